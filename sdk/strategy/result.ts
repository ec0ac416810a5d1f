import { ArrayRecord } from "../../records/array_record.ts";
import type { MetricRecord } from "../../records/metric_record.ts";

/** What a strategy gives: the model, and metrics by round. Names follow Flower's `Result`. */
export class StrategyResult {
  /** The model after the last round that changed it. */
  arrays: ArrayRecord = new ArrayRecord();
  /** What ClientApps measured in training, aggregated. */
  readonly trainMetricsClientApp: Map<number, MetricRecord> = new Map();
  /** What ClientApps measured in evaluation, aggregated. */
  readonly evaluateMetricsClientApp: Map<number, MetricRecord> = new Map();
  /** What the ServerApp's own evaluation measured; round 0 is the initial model. */
  readonly evaluateMetricsServerApp: Map<number, MetricRecord> = new Map();
}

/** A record for people: `{ train-loss: 0.0178, fits: 3 }`. */
export function describeMetrics(metrics: MetricRecord): string {
  const entries = Array.from(metrics, ([key, value]) => `${key}: ${value}`);
  return `{ ${entries.join(", ")} }`;
}
