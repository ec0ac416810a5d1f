/**
 * What must not come back with an older state: nodes that were unregistered or suspended and tokens
 * that were revoked after the backup was taken, by the audit log.
 *
 * @module
 */

import { createLog } from "../../terminal/log.ts";
import { Grants } from "../access/grants.ts";
import type { ChainEnd } from "../audit/audit_line.ts";
import { readAudit } from "../audit/read_audit.ts";
import type { Clock } from "../clock.ts";
import { suspended } from "../state/node_life.ts";
import { Nodes } from "../state/nodes.ts";

/** What was ended since, by their ids as the log has them. */
export interface Revocations {
  readonly unregistered: ReadonlySet<string>;
  /** Also those whose key was replaced: the old one is what the backup knows. */
  readonly suspended: ReadonlySet<string>;
  readonly revoked: ReadonlySet<string>;
}

/** Reads what the log has after `end`. */
export async function revocationsSince(folder: string, end: ChainEnd): Promise<Revocations> {
  const unregistered = new Set<string>();
  const suspendedIds = new Set<string>();
  const rotated = new Set<string>();
  const revoked = new Set<string>();
  for await (const { line: { seq, action, outcome, subject } } of readAudit(folder)) {
    if (seq <= end.seq || outcome !== "done") continue;
    const { nodeId, tokenId } = subject;
    if (action === "token.revoke" && tokenId !== undefined) revoked.add(tokenId);
    if (nodeId === undefined) continue;
    if (action === "node.unregister") unregistered.add(nodeId);
    if (action === "node.rotate") rotated.add(nodeId);
    if (action === "node.suspend") suspendedIds.add(nodeId);
    if (action === "node.resume") suspendedIds.delete(nodeId);
  }
  return { unregistered, suspended: suspendedIds.union(rotated), revoked };
}

/** How many of them the state still had. */
export interface Applied {
  readonly unregistered: number;
  readonly suspended: number;
  readonly revoked: number;
}

/** Ends in a restored state what was ended since. */
export async function applyRevocations(
  kv: Deno.Kv,
  { unregistered, suspended: suspendedIds, revoked }: Revocations,
  clock: Clock,
): Promise<Applied> {
  const silent = createLog({ format: "json", write() {} });
  const events = { expired() {}, unregistered() {}, barred() {}, keyEnded() {} };
  const now = clock.nowMicros();
  const nodes = await Nodes.open(kv, events, silent, now);
  const grants = new Grants(kv, clock);
  const applied = { unregistered: 0, suspended: 0, revoked: 0 };
  for (const nodeId of unregistered) {
    if (await nodes.unregister(BigInt(nodeId), now, () => true)) applied.unregistered++;
  }
  for (const nodeId of suspendedIds) {
    const change = await nodes.change(BigInt(nodeId), now, (row) => suspended(row, now));
    if (change && change.before !== change.after) applied.suspended++;
  }
  for (const id of revoked) if (await grants.revoke(id)) applied.revoked++;
  return applied;
}
