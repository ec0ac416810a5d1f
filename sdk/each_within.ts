/** How much may be under way at a time. */
export interface Limits<T> {
  /** The most calls. */
  readonly count: number;
  /** The most that the weights of the calls' items add up to; a heavier item goes alone. */
  readonly weight?: number;
  /** The weight of an item; 0 by default. */
  readonly weightOf?: (item: T) => number;
}

/**
 * Makes an asynchronous call for each item, in order, as many at a time as the limits let. Rejects as
 * soon as one call does, after which no further one starts.
 */
export async function eachWithin<T>(
  { count, weight = Infinity, weightOf = () => 0 }: Limits<T>,
  items: Iterable<T>,
  call: (item: T) => Promise<void>,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  let weightUnderWay = 0;
  for (const item of items) {
    const itemWeight = weightOf(item);
    const isFull = () => underWay.size >= count || weightUnderWay + itemWeight > weight;
    while (underWay.size > 0 && isFull()) await Promise.race(underWay);
    weightUnderWay += itemWeight;
    const done = call(item).then(() => {
      weightUnderWay -= itemWeight;
      underWay.delete(done);
    });
    underWay.add(done);
  }
  await Promise.all(underWay);
}
