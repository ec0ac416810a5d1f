import { ConfigRecord } from "../../records/config_record.ts";
import type { Message } from "../../records/message.ts";
import { MessageCategory } from "../../records/message_type.ts";
import type { MetricRecord } from "../../records/metric_record.ts";
import { RecordDict } from "../../records/record_dict.ts";
import type { Grid } from "../grid.ts";
import { aggregateArrays } from "./aggregate_arrays.ts";
import { aggregateMetrics, weightFactors } from "./aggregate_metrics.ts";
import { onlyArrays, onlyMetrics, sortReplies } from "./replies.ts";
import { sample, type SampleRule, sampleSize } from "./sampling.ts";
import { type Phase, Strategy, type TrainOutcome } from "./strategy.ts";

/** Options of {@linkcode FedAvg}; names and defaults are those of Flower 1.25. */
export interface FedAvgOptions {
  /** The share of online nodes that train, 1 by default; 0 switches training off. */
  readonly fractionTrain?: number;
  /** The share of online nodes that evaluate, 1 by default; 0 switches evaluation off. */
  readonly fractionEvaluate?: number;
  /** The least nodes that train, 2 by default. */
  readonly minTrainNodes?: number;
  /** The least nodes that evaluate, 2 by default. */
  readonly minEvaluateNodes?: number;
  /** The least nodes that must be online, 2 by default. */
  readonly minAvailableNodes?: number;
  /** The metric that replies are weighted by, `num-examples` by default. */
  readonly weightedByKey?: string;
  /** The name of the model in instructions, `arrays` by default. */
  readonly arrayRecordKey?: string;
  /** The name of the settings in instructions, `config` by default. */
  readonly configRecordKey?: string;
  /** For sampling: gives numbers from 0 to below 1. `Math.random` by default. */
  readonly random?: () => number;
}

/** How often to look again while too few nodes are online. */
const NODES_POLL_MS = 1_000;
const ROUND_KEY = "server-round";

/**
 * Federated averaging (McMahan et al., 2017), message for message that of Flower 1.25: its ClientApps
 * may be written in Python or TypeScript. They reply to `train` with one ArrayRecord (`arrays`, by
 * convention) and one MetricRecord (`metrics`) that holds `num-examples`, and to `evaluate` with one
 * such MetricRecord.
 *
 * ```ts
 * import { ArrayRecord, ConfigRecord, FedAvg, ndArray, ServerApp } from "@trellis/sdk";
 *
 * export const app = new ServerApp(async (grid) => {
 *   const strategy = new FedAvg({ fractionTrain: 0.5, minTrainNodes: 2 });
 *   await strategy.start({
 *     grid,
 *     initialArrays: ArrayRecord.fromNdArrays([["weights", ndArray(new Float32Array(10))]]),
 *     numRounds: 5,
 *     trainConfig: new ConfigRecord({ lr: 0.01, epochs: 2n }),
 *   });
 * });
 * ```
 */
export class FedAvg extends Strategy {
  readonly #train: SampleRule;
  readonly #evaluate: SampleRule;
  readonly #weightedByKey: string;
  readonly #arrayRecordKey: string;
  readonly #configRecordKey: string;
  readonly #random: () => number;

  /** @throws {RangeError} when a fraction is not from 0 to 1, or a number of nodes not from 0. */
  constructor(options: FedAvgOptions = {}) {
    super();
    const { minAvailableNodes = 2 } = options;
    this.#train = checked({
      fraction: options.fractionTrain ?? 1,
      minNodes: options.minTrainNodes ?? 2,
      minAvailableNodes,
    });
    this.#evaluate = checked({
      fraction: options.fractionEvaluate ?? 1,
      minNodes: options.minEvaluateNodes ?? 2,
      minAvailableNodes,
    });
    this.#weightedByKey = options.weightedByKey ?? "num-examples";
    this.#arrayRecordKey = options.arrayRecordKey ?? "arrays";
    this.#configRecordKey = options.configRecordKey ?? "config";
    this.#random = options.random ?? Math.random;
  }

  override configureTrain(phase: Phase): Promise<readonly Message[]> {
    return this.#configure(phase, MessageCategory.TRAIN, this.#train);
  }

  override configureEvaluate(phase: Phase): Promise<readonly Message[]> {
    return this.#configure(phase, MessageCategory.EVALUATE, this.#evaluate);
  }

  /** @throws {InconsistentRepliesError} when replies do not hold the same records and values. */
  override aggregateTrain(_round: number, replies: readonly Message[]): TrainOutcome {
    const contents = goodContents(MessageCategory.TRAIN, replies);
    if (contents.length === 0) return {};
    const arrays = onlyArrays(contents);
    const metrics = onlyMetrics(contents);
    const factors = weightFactors(metrics, this.#weightedByKey);
    return {
      arrays: aggregateArrays(arrays, factors),
      metrics: aggregateMetrics(metrics, factors, this.#weightedByKey),
    };
  }

  /** @throws {InconsistentRepliesError} when replies do not hold the same records and values. */
  override aggregateEvaluate(
    _round: number,
    replies: readonly Message[],
  ): MetricRecord | undefined {
    const contents = goodContents(MessageCategory.EVALUATE, replies);
    if (contents.length === 0) return undefined;
    const metrics = onlyMetrics(contents);
    return aggregateMetrics(
      metrics,
      weightFactors(metrics, this.#weightedByKey),
      this.#weightedByKey,
    );
  }

  async #configure(
    { round, arrays, config, grid }: Phase,
    messageType: string,
    rule: SampleRule,
  ): Promise<readonly Message[]> {
    if (rule.fraction === 0) return [];
    const nodeIds = await this.#sampleNodes(grid, rule, messageType);
    // One RecordDict for all, so that its objects are made and sent once.
    const content = new RecordDict([
      [this.#arrayRecordKey, arrays],
      [this.#configRecordKey, withRound(config, round)],
    ]);
    return nodeIds.map((dstNodeId) => grid.createMessage({ dstNodeId, messageType, content }));
  }

  async #sampleNodes(
    grid: Grid,
    rule: SampleRule,
    messageType: string,
  ): Promise<readonly bigint[]> {
    for (;;) {
      const online = await grid.getNodeIds();
      const size = sampleSize(rule, online.length);
      const required = Math.max(rule.minAvailableNodes, size);
      if (online.length >= required) {
        console.log(`  ${messageType}: sampled ${size} nodes of ${online.length}`);
        return sample(online, size, this.#random);
      }
      console.log(`  Waiting for nodes: ${online.length} online, ${required} required.`);
      await grid.sleep(NODES_POLL_MS);
    }
  }
}

function checked(rule: SampleRule): SampleRule {
  if (!(rule.fraction >= 0 && rule.fraction <= 1)) {
    throw new RangeError(`A fraction of nodes is from 0 to 1, not ${rule.fraction}.`);
  }
  for (const nodes of [rule.minNodes, rule.minAvailableNodes]) {
    if (!Number.isInteger(nodes) || nodes < 0) {
      throw new RangeError(`A number of nodes is a whole number from 0, not ${nodes}.`);
    }
  }
  return rule;
}

/** The settings with the round, which is last unless the settings have it already. */
function withRound(config: ConfigRecord, round: number): ConfigRecord {
  return new ConfigRecord(new Map(config).set(ROUND_KEY, BigInt(round)));
}

function goodContents(phase: string, replies: readonly Message[]): readonly RecordDict[] {
  const { contents, errors } = sortReplies(replies);
  if (replies.length === 0) return contents;
  console.log(`  ${phase}: ${contents.length} results, ${errors.length} failures`);
  for (const { nodeId, reason } of errors) console.log(`    node ${nodeId}: ${reason}`);
  return contents;
}
