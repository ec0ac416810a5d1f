/**
 * What `apps/numpy_fedavg` must come to.
 *
 * @module
 */

import { assert } from "@std/assert";

/** Losses and parameters of its last line, by the number of nodes. */
const NUMBERS: Readonly<Record<number, readonly number[]>> = {
  // Flower 1.25.0, 1.41.0 and 1.42.0 with two SuperNodes of their own came to the same digits.
  2: [
    0.00178562,
    0.00182410,
    0.00223322,
    1.9362356662750244,
    -2.961824655532837,
    0.490356653928757,
  ],
};

/** Its sums are made in single precision by whatever numpy finds on a machine. */
const TOLERANCE = 1e-5;

const FINAL = /FINAL rounds=3 fits=3\.0 train-loss=(\S+) eval-loss=(\S+) central-loss=(\S+) /;
const PARAMETERS = /parameters=\{'weights': \[(\S+), (\S+)\], 'bias': \[(\S+)\]\}/;

/** Fails unless a log ends with the numbers of a run with so many nodes. */
export function assertNumpyFedAvg(log: string, nodeCount: number): void {
  const numbers = [FINAL, PARAMETERS].flatMap((pattern) => pattern.exec(log)?.slice(1) ?? []);
  const expected = NUMBERS[nodeCount] ?? [];
  const isEqual = numbers.length === 6 && expected.length === 6 &&
    expected.every((number, index) => Math.abs(number - Number(numbers[index])) < TOLERANCE);
  assert(isEqual, `expected ${expected} in\n${log}`);
}
