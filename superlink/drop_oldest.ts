/** Lets the oldest entry of a map go that has grown beyond `limit`; the newest is the last one set. */
export function dropOldest<K>(map: Map<K, unknown>, limit: number): void {
  const [oldest] = map.keys();
  if (map.size > limit && oldest !== undefined) map.delete(oldest);
}
