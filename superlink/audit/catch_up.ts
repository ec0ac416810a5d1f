/**
 * What was done and has no line, because the process was killed between the two, gets its line when the
 * SuperLink starts: a restore relies on the log to know what must not come back. So does what came by
 * the clock while it was down.
 *
 * @module
 */

import type { GrantRow } from "../access/rows.ts";
import type { Clock } from "../clock.ts";
import { keys, type NodeRow } from "../state/layout.ts";
import type { AuditSubject, AuditTrail } from "./audit.ts";
import { auditFiles, rawLines } from "./audit_folder.ts";
import { parseLine } from "./audit_line.ts";
import { expiryText } from "./said_of_node.ts";

/** Lines of other actions may have been written between an action and its own line. */
const MARGIN_MICROS = 60_000_000;

/** What this works on. */
export interface CatchUpOptions {
  readonly kv: Deno.Kv;
  /** Of the audit log. */
  readonly folder: string;
  readonly trail: AuditTrail;
  readonly clock: Clock;
}

/**
 * Writes the registrations, rotations, suspensions, unregistrations, ends of registrations and
 * revocations that the end of the log does not have. Gives the time up to which it told of what comes by the clock.
 */
export async function catchUpAudit(
  { kv, folder, trail, clock }: CatchUpOptions,
): Promise<number> {
  const { told, lastMicros } = await endOfLog(folder);
  const now = clock.nowMicros();
  // A log that is new has nothing to catch up with.
  if (lastMicros === undefined) return now;
  const lines: Promise<void>[] = [];
  const line = (at: number | undefined, action: string, subject: AuditSubject, ofWhat: string) => {
    if (at === undefined || at <= lastMicros - MARGIN_MICROS || at > now) return;
    if (told.has(`${action} ${ofWhat}`)) return;
    const who = { program: "superlink" };
    const detail = "found done at a start";
    lines.push(
      trail.record({ who, action, subject: { ...subject, detail }, outcome: "done" }),
    );
  };
  for await (const { value: row } of kv.list<NodeRow>({ prefix: keys.nodes })) {
    const { nodeId, fingerprint, registeredAt, rotatedAt, suspendedAt } = row;
    const { unregisteredAt, expiresAt } = row;
    const subject = { nodeId, fingerprint };
    line(registeredAt, "node.register", subject, `${nodeId}`);
    line(rotatedAt, "node.rotate", subject, `${nodeId} ${fingerprint}`);
    line(suspendedAt, "node.suspend", subject, `${nodeId}`);
    line(unregisteredAt, "node.unregister", subject, `${nodeId}`);
    if (expiresAt === undefined || unregisteredAt !== undefined) continue;
    const expires = expiryText(expiresAt);
    line(expiresAt, "node.lapse", { ...subject, expires }, `${nodeId} ${expires}`);
  }
  for await (const { value: { id, revokedAt } } of kv.list<GrantRow>({ prefix: keys.grants })) {
    line(revokedAt, "token.revoke", { tokenId: id }, id);
  }
  // Those that cannot be written now are found again; nothing waits for them.
  await Promise.allSettled(lines);
  return now;
}

/** What the end of the log tells of, and when its last line was written. */
async function endOfLog(folder: string) {
  const told = new Set<string>();
  let lastMicros: number | undefined;
  const decoder = new TextDecoder();
  // Both, because one may have begun just now.
  for (const file of (await auditFiles(folder)).slice(-2)) {
    for await (const { bytes } of rawLines(folder, file)) {
      const line = parseLine(decoder.decode(bytes));
      if (!line) continue;
      lastMicros = Date.parse(line.time) * 1_000;
      const { action, outcome, subject: { nodeId, tokenId, fingerprint, expires, status } } = line;
      if (outcome !== "done") continue;
      const of = nodeId ?? tokenId;
      // A suspension that came after it needs a line of its own.
      if (action === "node.resume") told.delete(`node.suspend ${of}`);
      else told.add(`${action} ${of}`);
      if (action === "node.lapse") told.add(`${action} ${of} ${expires}`);
      if (action === "node.rotate") told.add(`${action} ${of} ${fingerprint}`);
      if (status === "suspended") told.add(`node.suspend ${of}`);
    }
  }
  return { told, lastMicros };
}
