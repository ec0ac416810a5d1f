/**
 * The keys of a node, as rules on its row: the one that it has, and those that it had before and that
 * are good until their time is over. A key that was ever a node's is never another one's.
 *
 * @module
 */

import { type KeyRow, keys, type NodeRow } from "./layout.ts";

/** A key that a node is to have. */
export interface NewKey {
  readonly keyId: string;
  readonly fingerprint: string;
  readonly publicKeyPem: Uint8Array;
}

/** The ids of all keys that a row names, ended ones too. */
export function keyIdsOf({ keyId, earlierKeys = [] }: NodeRow): string[] {
  return [keyId, ...earlierKeys.map(({ keyId }) => keyId)];
}

/** Whether a key may speak for a node. */
export function ownsKey(row: NodeRow, keyId: string, nowMicros: number): boolean {
  if (row.keyId === keyId) return true;
  return row.earlierKeys?.some((key) => key.keyId === keyId && key.validUntil > nowMicros) ?? false;
}

/** Gives a node another key; the one that it has stays good until `validUntil`. */
export function rotated(
  row: NodeRow,
  newKey: NewKey,
  validUntil: number,
  nowMicros: number,
): NodeRow {
  const { keyId, fingerprint } = row;
  const before = [{ keyId, fingerprint, validUntil }, ...row.earlierKeys ?? []];
  // A copy: Deno KV would store all of the buffer that the bytes lie in.
  const publicKeyPem = new Uint8Array(newKey.publicKeyPem);
  const after = { ...row, ...newKey, publicKeyPem, earlierKeys: before, rotatedAt: nowMicros };
  return withoutEndedKeys(after, nowMicros);
}

/** Takes away the earlier keys whose time is over; the same row when there are none. */
export function withoutEndedKeys(row: NodeRow, nowMicros: number): NodeRow {
  const { earlierKeys = [], ...rest } = row;
  const good = earlierKeys.filter(({ validUntil }) => validUntil > nowMicros);
  if (good.length === earlierKeys.length) return row;
  return good.length === 0 ? rest : { ...rest, earlierKeys: good };
}

/** The keys that a change of a row takes away. */
export function endedKeyIds(before: NodeRow, after: NodeRow): string[] {
  const left = new Set(keyIdsOf(after));
  return keyIdsOf(before).filter((keyId) => !left.has(keyId));
}

/**
 * Adds to a commit what a change of a row means for its keys: new ones are entered, under a check that
 * nobody ever had them, and those that ended are burned. `after` is absent when the node is
 * unregistered, which leaves its keys to it.
 */
export function indexKeys(
  operation: Deno.AtomicOperation,
  before: NodeRow,
  after: NodeRow | undefined,
): void {
  const { nodeId } = before;
  for (const { validUntil, keyId } of before.earlierKeys ?? []) {
    operation.delete(keys.keyExpiry(validUntil, nodeId, keyId));
  }
  if (!after) return;
  for (const { validUntil, keyId } of after.earlierKeys ?? []) {
    operation.set(keys.keyExpiry(validUntil, nodeId, keyId), null);
  }
  const known = new Set(keyIdsOf(before));
  for (const keyId of keyIdsOf(after)) {
    if (known.has(keyId)) continue;
    const row: KeyRow = { nodeId };
    operation.check({ key: keys.key(keyId), versionstamp: null }).set(keys.key(keyId), row);
  }
  for (const keyId of endedKeyIds(before, after)) {
    const burned: KeyRow = {};
    operation.set(keys.key(keyId), burned).delete(keys.mark(keyId));
  }
}

/** A check, for a commit, that a key was never used; `undefined` when it was. */
export async function newKeyCheck(
  kv: Deno.Kv,
  keyId: string,
  fingerprint: string,
): Promise<Deno.AtomicCheck | undefined> {
  const [entry, burned] = await kv.getMany<[KeyRow, null]>([
    keys.key(keyId),
    keys.burned(fingerprint),
  ]);
  return entry.versionstamp === null && burned.versionstamp === null ? entry : undefined;
}
