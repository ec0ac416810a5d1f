/**
 * What was ended and has no line, because the process was killed between the two, gets its line when the
 * SuperLink starts: a restore relies on the log to know what must not come back.
 *
 * @module
 */

import type { GrantRow } from "../access/rows.ts";
import { keys, type NodeRow } from "../state/layout.ts";
import type { AuditSubject, AuditTrail } from "./audit.ts";
import { auditFiles, rawLines } from "./audit_folder.ts";
import { parseLine } from "./audit_line.ts";

/** Lines of other actions may have been written between an action and its own line. */
const MARGIN_MICROS = 60_000_000;

/** Notes the unregistrations and revocations that the end of the log does not have. */
export async function catchUpAudit(kv: Deno.Kv, folder: string, trail: AuditTrail): Promise<void> {
  const told = new Set<string>();
  let lastMicros: number | undefined;
  const decoder = new TextDecoder();
  // Both, because one may have begun just now.
  for (const file of (await auditFiles(folder)).slice(-2)) {
    for await (const { bytes } of rawLines(folder, file)) {
      const line = parseLine(decoder.decode(bytes));
      if (!line) continue;
      lastMicros = Date.parse(line.time) * 1_000;
      const { nodeId, tokenId } = line.subject;
      if (line.outcome === "done") told.add(`${line.action} ${nodeId ?? tokenId}`);
    }
  }
  // A log that is new has nothing to catch up with.
  if (lastMicros === undefined) return;
  const sinceMicros = lastMicros - MARGIN_MICROS;
  const note = (action: string, subject: AuditSubject, id: bigint | string) => {
    if (told.has(`${action} ${id}`)) return;
    const who = { program: "superlink" };
    const detail = "found done at a start";
    trail.note({ who, action, subject: { ...subject, detail }, outcome: "done" });
  };
  for await (const { value: row } of kv.list<NodeRow>({ prefix: keys.nodes })) {
    const { nodeId, fingerprint, unregisteredAt } = row;
    if (unregisteredAt === undefined || unregisteredAt <= sinceMicros) continue;
    note("node.unregister", { nodeId, fingerprint }, nodeId);
  }
  for await (const { value: { id, revokedAt } } of kv.list<GrantRow>({ prefix: keys.grants })) {
    if (revokedAt === undefined || revokedAt <= sinceMicros) continue;
    note("token.revoke", { tokenId: id }, id);
  }
}
