/**
 * Does again to a restored state what was done since the backup, as far as it shuts somebody out or
 * says something of a node that is there.
 *
 * @module
 */

import { createLog } from "../../terminal/log.ts";
import { Grants } from "../access/grants.ts";
import type { Clock } from "../clock.ts";
import { changedNode, updateTo } from "../registry/node_update.ts";
import { batches } from "../state/batches.ts";
import { commit } from "../state/commit.ts";
import { KEYS_IN_COMMIT } from "../state/delete_prefix.ts";
import { keys, type NodeRow } from "../state/layout.ts";
import { resumed, suspended } from "../state/node_life.ts";
import { NO_NODE_EVENTS } from "../state/node.ts";
import { Nodes } from "../state/nodes.ts";
import type { ChangesSince, NodeSince } from "./changes_since.ts";

/** How much was done again. */
export interface Applied {
  readonly unregistered: number;
  /** Also those whose key was replaced: the old one is what the backup knows. */
  readonly suspended: number;
  /** Resumed, renamed, labelled, moved, or given another expiry. */
  readonly changed: number;
  readonly revoked: number;
  /** Registered by an operator since, and so not there any more. */
  readonly missing: number;
}

/** Does it. */
export async function replay(
  kv: Deno.Kv,
  { nodes: changes, revoked }: ChangesSince,
  clock: Clock,
): Promise<Applied> {
  const silent = createLog({ format: "json", write() {} });
  const now = clock.nowMicros();
  const nodes = await Nodes.open(kv, NO_NODE_EVENTS, silent, now);
  const grants = new Grants(kv, clock);
  const applied = { unregistered: 0, suspended: 0, changed: 0, revoked: 0, missing: 0 };
  const burned = new Set<string>();
  for (const [id, since] of changes) {
    const nodeId = BigInt(id);
    const before = (await nodes.get(nodeId))?.row;
    for (const key of endedKeys(since, before)) burned.add(key);
    if (since.unregistered) {
      if (await nodes.unregister(nodeId, now, () => true)) applied.unregistered++;
      continue;
    }
    const change = await nodes.change(nodeId, now, (row) => asLast(row, since, now));
    if (!change) {
      if (since.registered) applied.missing++;
    } else if (change.after.suspendedAt !== undefined && change.before.suspendedAt === undefined) {
      applied.suspended++;
    } else if (change.after !== change.before) applied.changed++;
  }
  for (const batch of batches([...burned], KEYS_IN_COMMIT)) {
    const operation = kv.atomic();
    for (const fingerprint of batch) operation.set(keys.burned(fingerprint), null);
    await commit(operation);
  }
  for (const id of revoked) if (await grants.revoke(id)) applied.revoked++;
  return applied;
}

/**
 * The keys that were in use since, are not any more, and that the restored state knows nothing of. Those
 * of a node's row it burns itself.
 */
function endedKeys({ keys, newestKey, unregistered }: NodeSince, row: NodeRow | undefined) {
  const known = new Set(
    row && [row, ...row.earlierKeys ?? []].map(({ fingerprint }) => fingerprint),
  );
  if (!unregistered && newestKey !== undefined) known.add(newestKey);
  // All that is known is that the node called with it; it may be the one that it has.
  if (!unregistered && newestKey === undefined) return [];
  return [...keys].filter((key) => !known.has(key));
}

/** A living node as it was last. */
function asLast(row: NodeRow, { shut, said, newestKey }: NodeSince, nowMicros: number): NodeRow {
  const changed = changedNode(row, updateTo(row, said));
  const isRotated = newestKey !== undefined && newestKey !== row.fingerprint;
  if (isRotated || shut === "suspended") return suspended(changed, nowMicros);
  return shut === "resumed" ? resumed(changed) : changed;
}
