/**
 * When nodes and their earlier keys expire, as indexes in the order of time.
 *
 * @module
 */

import { keys, type NodeRow } from "./layout.ts";

/** Keeps the index of nodes that expire, in the commit that changes a node. */
export function indexExpiry(
  operation: Deno.AtomicOperation,
  before: NodeRow | undefined,
  after: NodeRow | undefined,
): void {
  if (before?.expiresAt === after?.expiresAt) return;
  if (before?.expiresAt !== undefined) {
    operation.delete(keys.nodeExpiry(before.expiresAt, before.nodeId));
  }
  if (after?.expiresAt !== undefined) {
    operation.set(keys.nodeExpiry(after.expiresAt, after.nodeId), null);
  }
}

/** The nodes that expire between two times (the first one inclusive), in the order of these. */
export async function expiring(
  kv: Deno.Kv,
  fromMicros: number,
  toMicros: number,
): Promise<bigint[]> {
  const range = { start: keys.nodeExpiry(fromMicros, 0n), end: keys.nodeExpiry(toMicros, 0n) };
  const nodeIds: bigint[] = [];
  for await (const { key } of kv.list(range)) {
    const nodeId = key.at(-1);
    if (typeof nodeId === "bigint") nodeIds.push(nodeId);
  }
  return nodeIds;
}

/** The nodes with an earlier key whose time is over. */
export async function withEndedKeys(kv: Deno.Kv, nowMicros: number): Promise<bigint[]> {
  const range = { start: keys.keyExpiries, end: keys.keyExpiriesBefore(nowMicros + 1) };
  const nodeIds = new Set<bigint>();
  for await (const { key: [, , nodeId] } of kv.list(range)) {
    if (typeof nodeId === "bigint") nodeIds.add(nodeId);
  }
  return [...nodeIds];
}
