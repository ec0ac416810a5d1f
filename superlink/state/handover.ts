/**
 * A node whose key was replaced is handed over when a process joins with the newer key while one with
 * an earlier key is still there: the new one gets all that comes, and the earlier one may finish what
 * it was handed. So a node of any kind changes its key in the middle of a run, and no message is lost.
 *
 * @module
 */

import type { LeaseRow, MessageRow, NodeRow } from "./layout.ts";
import { renewedLease } from "./node_life.ts";

/** A process with an earlier key that may still answer what it was handed. */
export interface FinishingProcess {
  readonly keyId: string;
  /** When the node was handed over: what came later is not its. */
  readonly since: number;
  /** From then on it counts as gone, unless it is heard of. */
  readonly until: number;
}

/** Whether a key that joins takes over from the process that holds the lease, which may be alive. */
export function takesOver(row: NodeRow, lease: LeaseRow, keyId: string): boolean {
  return row.keyId === keyId && isOfAnotherKey(lease, keyId);
}

/** Whether a process has handed its node over: it gets nothing new, and holds no lease. */
export function isSuperseded(row: NodeRow, lease: LeaseRow | undefined, keyId: string): boolean {
  return row.keyId !== keyId && lease !== undefined && isOfAnotherKey(lease, keyId);
}

/** Which key the process has is not known of leases that an older release wrote. */
function isOfAnotherKey(lease: LeaseRow, keyId: string): boolean {
  return lease.keyId !== undefined && lease.keyId !== keyId;
}

/** The process that held a lease when another took over. */
export function finishing(lease: LeaseRow, nowMicros: number): FinishingProcess | undefined {
  const { keyId, heartbeatIntervalS } = lease;
  if (keyId === undefined) return undefined;
  const { onlineUntil: until } = renewedLease(nowMicros, heartbeatIntervalS);
  return { keyId, since: nowMicros, until };
}

/** The row of a node that a process with a key comes online as: one that finishes is no other one. */
export function withFinishing(
  { finishing: before, ...row }: NodeRow,
  keyId: string,
  now?: FinishingProcess,
): NodeRow {
  const left = now ?? (before?.keyId === keyId ? undefined : before);
  return left ? { ...row, finishing: left } : row;
}

/** The row when a process that finishes was heard of; the same one for any other process. */
export function heardFinishing(
  row: NodeRow,
  keyId: string,
  nowMicros: number,
  heartbeatIntervalS: number,
): NodeRow {
  if (row.finishing?.keyId !== keyId) return row;
  const { onlineUntil: until } = renewedLease(nowMicros, heartbeatIntervalS);
  return { ...row, finishing: { ...row.finishing, until } };
}

/** The row once a process that finished says that it goes; the same one for any other process. */
export function finished(row: NodeRow, keyId: string): NodeRow {
  const { finishing, ...rest } = row;
  if (finishing?.keyId !== keyId) return row;
  return { ...rest, joinedAt: Math.max(rest.joinedAt ?? 0, finishing.since) };
}

/** Whether an instruction was handed to a process that still finishes what it has. */
export function isWithFinishing(
  { deliveredAt = 0 }: Pick<MessageRow, "deliveredAt">,
  { finishing }: Pick<NodeRow, "finishing">,
  nowMicros: number,
): boolean {
  return finishing !== undefined && deliveredAt < finishing.since && nowMicros < finishing.until;
}

/** Whether an instruction that was fetched is in the hand of a process that is gone. */
export function isInNoHand(
  { deliveredAt = 0, confirmedAt }: Pick<MessageRow, "deliveredAt" | "confirmedAt">,
  { joinedAt, finishing }: NodeRow,
  nowMicros: number,
): boolean {
  if (confirmedAt === undefined) return false;
  if (finishing && deliveredAt < finishing.since) return finishing.until <= nowMicros;
  return joinedAt !== undefined && deliveredAt < joinedAt;
}
