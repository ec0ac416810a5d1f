import type { ArrayRecord } from "../../records/array_record.ts";
import { ConfigRecord } from "../../records/config_record.ts";
import type { Message } from "../../records/message.ts";
import type { MetricRecord } from "../../records/metric_record.ts";
import type { Grid } from "../grid.ts";
import { describeMetrics, StrategyResult } from "./result.ts";

/** Measures the model at the ServerApp; `round` is 0 for the initial model. */
export type CentralEvaluation = (
  round: number,
  arrays: ArrayRecord,
) => MetricRecord | undefined | Promise<MetricRecord | undefined>;

/** How a strategy is run. */
export interface StartOptions {
  readonly grid: Grid;
  readonly initialArrays: ArrayRecord;
  /** 3 by default. */
  readonly numRounds?: number;
  /** How long each phase waits for replies, 3600 by default. */
  readonly timeoutSeconds?: number;
  /** Sent along with the model for training. */
  readonly trainConfig?: ConfigRecord;
  /** Sent along with the model for evaluation. */
  readonly evaluateConfig?: ConfigRecord;
  readonly evaluate?: CentralEvaluation;
}

/** What a phase of a round is configured with. */
export interface Phase {
  /** From 1. */
  readonly round: number;
  readonly arrays: ArrayRecord;
  readonly config: ConfigRecord;
  readonly grid: Grid;
}

/** What came out of a round's training; absent when no reply was good. */
export interface TrainOutcome {
  readonly arrays?: ArrayRecord;
  readonly metrics?: MetricRecord;
}

const DEFAULT_ROUNDS = 3;
const DEFAULT_TIMEOUT_SECONDS = 3600;

/**
 * The rounds of federated learning, as Flower 1.25's message-based strategies play them: train,
 * aggregate, evaluate, aggregate, evaluate centrally. A subclass says whom to send what, and how to
 * aggregate.
 */
export abstract class Strategy {
  /** The instructions of a round's training; none skips it. */
  abstract configureTrain(phase: Phase): Promise<readonly Message[]>;

  /** Aggregates the replies of a round's training. */
  abstract aggregateTrain(round: number, replies: readonly Message[]): TrainOutcome;

  /** The instructions of a round's evaluation; none skips it. */
  abstract configureEvaluate(phase: Phase): Promise<readonly Message[]>;

  /** Aggregates the replies of a round's evaluation. */
  abstract aggregateEvaluate(
    round: number,
    replies: readonly Message[],
  ): MetricRecord | undefined;

  /** Plays the rounds, and prints how they go. */
  async start(options: StartOptions): Promise<StrategyResult> {
    const { grid, numRounds = DEFAULT_ROUNDS, evaluate } = options;
    const trainConfig = options.trainConfig ?? new ConfigRecord();
    const evaluateConfig = options.evaluateConfig ?? new ConfigRecord();
    const send = (messages: readonly Message[]) =>
      grid.sendAndReceive(messages, {
        timeoutSeconds: options.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
      });
    const result = new StrategyResult();
    const startMs = performance.now();
    result.arrays = options.initialArrays;
    console.log(
      `Starting ${this.constructor.name}: ${numRounds} rounds, ${sizeOf(result.arrays)}.`,
    );
    await evaluateCentrally(evaluate, 0, result);

    for (let round = 1; round <= numRounds; round++) {
      console.log(`\n[ROUND ${round}/${numRounds}]`);
      const phase = () => ({ round, arrays: result.arrays, grid });
      const trained = this.aggregateTrain(
        round,
        await send(await this.configureTrain({ ...phase(), config: trainConfig })),
      );
      if (trained.arrays !== undefined) result.arrays = trained.arrays;
      note("train", round, trained.metrics, result.trainMetricsClientApp);

      const evaluated = this.aggregateEvaluate(
        round,
        await send(await this.configureEvaluate({ ...phase(), config: evaluateConfig })),
      );
      note("evaluate", round, evaluated, result.evaluateMetricsClientApp);
      await evaluateCentrally(evaluate, round, result);
    }
    const seconds = (performance.now() - startMs) / 1000;
    console.log(`\n${this.constructor.name} finished in ${seconds.toFixed(2)} s.`);
    return result;
  }
}

async function evaluateCentrally(
  evaluate: CentralEvaluation | undefined,
  round: number,
  { arrays, evaluateMetricsServerApp }: StrategyResult,
): Promise<void> {
  note("central evaluation", round, await evaluate?.(round, arrays), evaluateMetricsServerApp);
}

function note(
  phase: string,
  round: number,
  metrics: MetricRecord | undefined,
  history: Map<number, MetricRecord>,
): void {
  if (metrics === undefined) return;
  history.set(round, metrics);
  console.log(`  ${phase}: ${describeMetrics(metrics)}`);
}

function sizeOf(arrays: ArrayRecord): string {
  const sizeBytes = [...arrays.values()].reduce((sum, { data }) => sum + data.length, 0);
  return `a model of ${(sizeBytes / 1024 ** 2).toFixed(2)} MiB`;
}
