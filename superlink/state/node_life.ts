/**
 * The life of a node as rules on its row, without storage or time of their own.
 *
 * The rules and their arithmetic are those of Flower 1.23 to 1.42: `online_until` is now plus twice
 * the heartbeat interval, and a lease that ran out ended when it ran out, not when that was noticed.
 *
 * @module
 */

import type { LeaseRow, NodeRow } from "./layout.ts";

/** Heartbeat intervals that are accepted, in seconds, both inclusive. */
export const MIN_HEARTBEAT_INTERVAL_S = 10;
export const MAX_HEARTBEAT_INTERVAL_S = 1800;

/** How many intervals a node may stay silent. */
const PATIENCE = 2;
const MICROS_PER_SECOND = 1_000_000;

/** Whether a heartbeat interval is within Flower's bounds. */
export function isHeartbeatInterval(seconds: number): boolean {
  return seconds >= MIN_HEARTBEAT_INTERVAL_S && seconds <= MAX_HEARTBEAT_INTERVAL_S;
}

/** The lease that a sign of life buys. */
export function renewedLease(nowMicros: number, heartbeatIntervalS: number): LeaseRow {
  return {
    onlineUntil: nowMicros + Math.round(PATIENCE * heartbeatIntervalS * MICROS_PER_SECOND),
    heartbeatIntervalS,
  };
}

/** When the sign of life came that bought a lease. */
export function leaseBegan({ onlineUntil, heartbeatIntervalS }: LeaseRow): number {
  return onlineUntil - Math.round(PATIENCE * heartbeatIntervalS * MICROS_PER_SECOND);
}

/** The lease after the SuperLink was down: it did not run meanwhile, and one interval is granted. */
export function leaseAfterStart(lease: LeaseRow, startMicros: number): LeaseRow {
  const grace = startMicros + Math.round(lease.heartbeatIntervalS * MICROS_PER_SECOND);
  return { ...lease, onlineUntil: Math.max(lease.onlineUntil, grace) };
}

/** Why a living node is shut out, for as long as it is. */
export type Bar = "suspended" | "expired";

/** What shuts a node out, if anything does. */
export function barOf({ suspendedAt, expiresAt }: NodeRow, nowMicros: number): Bar | undefined {
  if (suspendedAt !== undefined) return "suspended";
  return expiresAt !== undefined && expiresAt <= nowMicros ? "expired" : undefined;
}

/** The program of a node, as far as it tells. */
export interface NodeProgram {
  /** The release of Flower whose protocol it speaks. */
  readonly version?: string | undefined;
  readonly transport: "grpc" | "http";
}

/** Any living state to the same one, shut out; one that is online goes offline besides. */
export function suspended(row: NodeRow, nowMicros: number): NodeRow {
  return row.suspendedAt === undefined ? { ...row, suspendedAt: nowMicros } : row;
}

/** Lets a node in again. It is online once it calls. */
export function resumed(row: NodeRow): NodeRow {
  const { suspendedAt, ...rest } = row;
  return suspendedAt === undefined ? row : rest;
}

/** Registered or offline to online; `joins` when a process joins, not when one is heard again. */
export function activated(
  row: NodeRow,
  nowMicros: number,
  heartbeatIntervalS: number,
  joins: boolean,
  program?: NodeProgram,
): NodeRow {
  const { onlineUntil: _, ...old } = row;
  const rest = program ? withProgram(old, program) : old;
  const online = { ...rest, status: "online", activatedAt: nowMicros, heartbeatIntervalS } as const;
  return joins ? { ...online, joinedAt: nowMicros } : online;
}

/** Online to offline, by the node's own word. */
export function deactivated(row: NodeRow, nowMicros: number, lease: LeaseRow): NodeRow {
  return { ...offline(row, lease), deactivatedAt: nowMicros, onlineUntil: nowMicros };
}

/** Online to offline, because the lease ran out. */
export function expired(row: NodeRow, lease: LeaseRow): NodeRow {
  return {
    ...offline(row, lease),
    deactivatedAt: lease.onlineUntil,
    onlineUntil: lease.onlineUntil,
  };
}

/** Any living state to unregistered. */
export function unregistered(
  row: NodeRow,
  nowMicros: number,
  lease: LeaseRow | undefined,
): NodeRow {
  const until = lease?.onlineUntil ?? row.onlineUntil;
  return {
    ...row,
    status: "unregistered",
    unregisteredAt: nowMicros,
    ...(until === undefined ? {} : { onlineUntil: Math.min(until, nowMicros) }),
    ...(lease === undefined ? {} : { heartbeatIntervalS: lease.heartbeatIntervalS }),
  };
}

function withProgram(
  { version: _, ...row }: NodeRow,
  { version, transport }: NodeProgram,
): NodeRow {
  return { ...row, transport, ...(version === undefined ? {} : { version }) };
}

function offline(row: NodeRow, lease: LeaseRow): NodeRow {
  return { ...row, status: "offline", heartbeatIntervalS: lease.heartbeatIntervalS };
}
