/** Softmax regression: a linear classifier, in 64-bit floats. */

import { type Flower, IRIS } from "./iris.ts";

export const FEATURES = 4;
export const SPECIES = 3;

/** Mean and standard deviation of each measurement over all flowers, to scale them by. */
const MEANS = [5.84, 3.06, 3.76, 1.2];
const DEVIATIONS = [0.83, 0.43, 1.76, 0.76];

/** `weights[f * SPECIES + s]` says how much feature f speaks for species s. */
export interface Parameters {
  readonly weights: Float64Array<ArrayBuffer>;
  readonly bias: Float64Array<ArrayBuffer>;
}

/** Every fifth flower is kept for evaluation; the nodes take turns with either kind. */
export function partition(
  index: number,
  count: number,
): { readonly train: readonly Flower[]; readonly test: readonly Flower[] } {
  const ofNode = (flowers: readonly Flower[]) => flowers.filter((_, i) => i % count === index);
  return {
    train: ofNode(IRIS.filter((_, i) => i % 5 !== 4)),
    test: ofNode(IRIS.filter((_, i) => i % 5 === 4)),
  };
}

/** Full-batch gradient descent on the cross-entropy. Gives new parameters. */
export function fit(
  initial: Parameters,
  flowers: readonly Flower[],
  epochs: number,
  learningRate: number,
): Parameters {
  const weights = initial.weights.slice();
  const bias = initial.bias.slice();
  for (let epoch = 0; epoch < epochs; epoch++) {
    const weightGradient = new Float64Array(weights.length);
    const biasGradient = new Float64Array(SPECIES);
    for (const flower of flowers) {
      const features = scale(flower);
      probabilities({ weights, bias }, features).forEach((probability, s) => {
        const error = probability - (s === flower[FEATURES] ? 1 : 0);
        biasGradient[s]! += error;
        features.forEach((feature, f) => weightGradient[f * SPECIES + s]! += feature * error);
      });
    }
    const step = learningRate / flowers.length;
    weightGradient.forEach((gradient, i) => weights[i]! -= step * gradient);
    biasGradient.forEach((gradient, s) => bias[s]! -= step * gradient);
  }
  return { weights, bias };
}

/** The mean cross-entropy, and the share of flowers whose species is told. */
export function measure(
  parameters: Parameters,
  flowers: readonly Flower[],
): { readonly loss: number; readonly accuracy: number } {
  let loss = 0;
  let told = 0;
  for (const flower of flowers) {
    const guesses = probabilities(parameters, scale(flower));
    loss -= Math.log(guesses[flower[FEATURES]]!);
    if (guesses.indexOf(Math.max(...guesses)) === flower[FEATURES]) told++;
  }
  return { loss: loss / flowers.length, accuracy: told / flowers.length };
}

function scale(flower: Flower): number[] {
  return MEANS.map((mean, f) => (flower[f]! - mean) / DEVIATIONS[f]!);
}

function probabilities({ weights, bias }: Parameters, features: readonly number[]): number[] {
  const scores = Array.from(
    bias,
    (b, s) =>
      features.reduce((score, feature, f) => score + feature * weights[f * SPECIES + s]!, b),
  );
  const highest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - highest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}
