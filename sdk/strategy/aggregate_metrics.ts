import { MetricRecord } from "../../records/metric_record.ts";
import type { MetricValue } from "../../records/record_value.ts";
import { InconsistentRepliesError } from "./inconsistent_replies.ts";

/**
 * The weighted mean of each metric but the weights themselves; lists element by element. Ints become
 * floats, as in Flower 1.25.
 *
 * @param factors one a record, for example its share of all examples.
 * @throws {InconsistentRepliesError} when a metric is a list in one record only, or lists differ in
 * length.
 */
export function aggregateMetrics(
  records: readonly MetricRecord[],
  factors: readonly number[],
  weightedByKey: string,
): MetricRecord {
  const sums = new Map<string, number | readonly number[]>();
  records.forEach((record, index) => {
    const factor = factors[index] ?? 0;
    for (const [key, value] of record) {
      if (key !== weightedByKey) sums.set(key, add(key, sums.get(key), scale(value, factor)));
    }
  });
  return new MetricRecord(sums);
}

/** Each record's share of the sum of all weights, as Python divides them. */
export function weightFactors(
  records: readonly MetricRecord[],
  weightedByKey: string,
): readonly number[] {
  const weights = records.map((record) => {
    const weight = record.get(weightedByKey);
    if (typeof weight === "bigint" || typeof weight === "number") return Number(weight);
    throw new InconsistentRepliesError(
      `The metric '${weightedByKey}', which replies are weighted by, must be a single number.`,
    );
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(Math.abs(total) > 0)) {
    throw new InconsistentRepliesError(
      `The metric '${weightedByKey}', which replies are weighted by, adds up to ${total}.`,
    );
  }
  return weights.map((weight) => weight / total);
}

function scale(value: MetricValue, factor: number): number | readonly number[] {
  return typeof value === "bigint" || typeof value === "number"
    ? Number(value) * factor
    : value.map((element) => Number(element) * factor);
}

function add(
  key: string,
  sum: number | readonly number[] | undefined,
  value: number | readonly number[],
): number | readonly number[] {
  if (sum === undefined) return value;
  if (typeof sum === "number" && typeof value === "number") return sum + value;
  if (typeof sum !== "number" && typeof value !== "number" && sum.length === value.length) {
    return sum.map((element, index) => element + (value[index] ?? 0));
  }
  throw new InconsistentRepliesError(`The metric '${key}' has not the same shape in all replies.`);
}
