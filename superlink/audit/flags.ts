/**
 * Where the audit log of a SuperLink is kept, as a command line says it.
 *
 * @module
 */

import { resolve } from "node:path";
import { type RawFlags, textFlag } from "../../terminal/flags.ts";
import type { Database } from "../state/database.ts";
import { auditFolderOf } from "./audit_folder.ts";

/** `--audit-log` of `trellis superlink`. */
export const auditLogFlag = textFlag(
  "audit-log",
  "DIR",
  "Where the audit log is kept, a folder; none keeps none. A state in memory has none of its own.",
  { defaultText: "the database's path with .audit" },
);

/** What was asked for: a folder, `none`, or what goes with the database. */
export type AuditPlace = string | "none" | undefined;

/** Reads the flag. */
export function auditPlaceOf(raw: RawFlags): AuditPlace {
  const text = auditLogFlag.of(raw);
  return text === undefined || text === "none" ? text : resolve(text);
}

/** The folder to write to, if any. */
export function auditFolderFor(
  asked: AuditPlace,
  { durable, place }: Pick<Database, "durable" | "place">,
): string | undefined {
  if (asked === "none") return undefined;
  return asked ?? (durable ? auditFolderOf(place) : undefined);
}
