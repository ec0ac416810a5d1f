import type { LoginRow } from "../access/rows.ts";
import type { RunRow } from "../state/layout.ts";
import type { Node } from "../state/node.ts";

/** A number that is another one when what the page shows of nodes is another. */
export function nodesRevision(nodes: readonly Node[]): number {
  let hash = nodes.length;
  for (const { row, lease } of nodes) {
    hash = mix(hash, Number(BigInt.asUintN(31, row.nodeId)));
    hash = mix(hash, lease?.onlineUntil ?? row.unregisteredAt ?? row.deactivatedAt ?? 0);
    hash = mix(hash, (row.suspendedAt ?? 0) + row.status.length);
    hash = mixText(hash, JSON.stringify([row.name, row.location, row.labels, row.expiresAt]));
  }
  return hash;
}

/** The same of logins that wait. */
export function loginsRevision(logins: readonly Pick<LoginRow, "userCode">[]): number {
  return logins.reduce((hash, { userCode }) => mixText(hash, userCode), logins.length);
}

/** The same of runs. */
export function runsRevision(runs: readonly RunRow[]): number {
  let hash = runs.length;
  for (const { runId, status, end, bytesSent, bytesReceived } of runs) {
    hash = mix(hash, Number(BigInt.asUintN(31, runId)));
    hash = mix(hash, bytesSent + bytesReceived);
    hash = mixText(hash, end ?? status);
  }
  return hash;
}

function mix(hash: number, value: number): number {
  // The low bits of large numbers count, too: times are microseconds.
  return Math.imul(hash ^ (value % 0x7fffffff), 0x01000193) >>> 0;
}

function mixText(hash: number, text: string): number {
  for (let i = 0; i < text.length; i++) hash = mix(hash, text.charCodeAt(i));
  return hash;
}
