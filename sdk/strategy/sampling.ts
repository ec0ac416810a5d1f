/** How many nodes take part in a phase. */
export interface SampleRule {
  /** The share of the nodes that are online. */
  readonly fraction: number;
  /** The least nodes that take part. */
  readonly minNodes: number;
  /** The least nodes that must be online. */
  readonly minAvailableNodes: number;
}

/** How many nodes to sample of those that are online, by Flower 1.25's rule. */
export function sampleSize({ fraction, minNodes }: SampleRule, onlineNodes: number): number {
  return Math.max(Math.floor(onlineNodes * fraction), minNodes);
}

/**
 * A random sample without repetition.
 *
 * @param random gives numbers from 0 to below 1.
 */
export function sample<T>(items: readonly T[], size: number, random: () => number): T[] {
  const left = [...items];
  const sampled: T[] = [];
  while (sampled.length < size && left.length > 0) {
    sampled.push(...left.splice(Math.floor(random() * left.length), 1));
  }
  return sampled;
}
