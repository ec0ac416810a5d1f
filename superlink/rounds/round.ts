/**
 * What is kept of a round: how many replies came, and of each metric what its mean is made of. No value
 * of a single node is kept.
 *
 * @module
 */

import { MAX_METRICS, type SmallRecord } from "./small_records.ts";

/** A metric over the replies of a round. */
export interface MetricSums {
  readonly name: string;
  count: number;
  sum: number;
  min: number;
  max: number;
  /** Of the replies that say how many examples they are of. */
  weighedCount: number;
  weights: number;
  weighedSum: number;
}

/** A round of one phase, for example `train`. */
export interface Round {
  /** Instructions that were sent. */
  sent: number;
  replied: number;
  /** Replies that bring an error in place of records. */
  failed: number;
  readonly metrics: MetricSums[];
}

/** A round of which nothing is known yet. */
export function newRound(): Round {
  return { sent: 0, replied: 0, failed: 0, metrics: [] };
}

/** Adds a reply: its records, or that it is an error. */
export function addReply(round: Round, records: readonly SmallRecord[], failed: boolean): void {
  round.replied++;
  if (failed) {
    round.failed++;
    return;
  }
  const examples = records.find((record) => record.examples !== undefined)?.examples;
  const seen = new Set<string>();
  for (const [name, value] of records.flatMap(({ metrics }) => metrics)) {
    // Two records of a reply may have the same name: a node counts once.
    if (seen.has(name)) continue;
    seen.add(name);
    const weighed = examples === undefined
      ? { weighedCount: 0, weights: 0, weighedSum: 0 }
      : { weighedCount: 1, weights: examples, weighedSum: examples * value };
    addSums(round, { name, count: 1, sum: value, min: value, max: value, ...weighed });
  }
}

/** Adds what is known of the same round from before a restart. */
export function addRound(round: Round, earlier: Round): void {
  round.sent += earlier.sent;
  round.replied += earlier.replied;
  round.failed += earlier.failed;
  for (const sums of earlier.metrics) addSums(round, sums);
}

/** The mean by examples, as Flower's strategies aggregate, where all replies say how many there were. */
export function meanOf({ count, sum, weighedCount, weights, weighedSum }: MetricSums): number {
  return weighedCount === count ? weighedSum / weights : sum / count;
}

function addSums({ metrics }: Round, more: MetricSums): void {
  const known = metrics.find(({ name }) => name === more.name);
  if (!known) {
    if (metrics.length < MAX_METRICS) metrics.push({ ...more });
    return;
  }
  known.count += more.count;
  known.sum += more.sum;
  known.min = Math.min(known.min, more.min);
  known.max = Math.max(known.max, more.max);
  known.weighedCount += more.weighedCount;
  known.weights += more.weights;
  known.weighedSum += more.weighedSum;
}
