/**
 * What `apps/numpy_fedavg` must come to.
 *
 * @module
 */

import { assert } from "@std/assert";

/**
 * Fits, losses and parameters of its last line, by the number of nodes. They are those of Flower
 * 1.25.0 alone: its SuperLink with as many of its SuperNodes, `--run-config min-nodes=…`. With two
 * nodes, Flower 1.41.0 and 1.42.0 come to the same digits.
 */
const NUMBERS: Readonly<Record<number, readonly number[]>> = {
  2: [
    ...[3, 0.00178562, 0.00182410, 0.00223322],
    ...[1.9362356662750244, -2.961824655532837, 0.4903566539287567],
  ],
  7: [
    ...[3, 0.00123887, 0.00127166, 0.00135724],
    ...[1.9607152938842773, -2.957745313644409, 0.49680566787719727],
  ],
};

/** Its sums are made in single precision by whatever numpy finds on a machine. */
const TOLERANCE = 1e-5;

const FINAL = /FINAL rounds=3 fits=(\S+) train-loss=(\S+) eval-loss=(\S+) central-loss=(\S+) /;
const PARAMETERS = /parameters=\{'weights': \[(\S+), (\S+)\], 'bias': \[(\S+)\]\}/;

/** Fails unless a log ends with the numbers of a run with so many nodes. */
export function assertNumpyFedAvg(log: string, nodeCount: number): void {
  const numbers = [FINAL, PARAMETERS].flatMap((pattern) => pattern.exec(log)?.slice(1) ?? []);
  const expected = NUMBERS[nodeCount] ?? [];
  const isEqual = numbers.length === 7 && expected.length === 7 &&
    expected.every((number, index) => Math.abs(number - Number(numbers[index])) < TOLERANCE);
  assert(isEqual, `expected ${expected} in\n${log}`);
}
