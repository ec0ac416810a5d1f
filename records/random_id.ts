/**
 * A new id of a node, a run or a task: 64 random bits, as Flower makes them, and neither 0 (unset)
 * nor 1 (the SuperLink itself).
 */
export function randomId(): bigint {
  const [id = 0n] = crypto.getRandomValues(new BigUint64Array(1));
  return id > 1n ? id : randomId();
}
