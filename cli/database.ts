/**
 * The flags of commands that work on a SuperLink's own files, on its machine.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { flwrHome } from "../terminal/flwr_home.ts";
import { ExitError } from "../terminal/errors.ts";
import { type RawFlags, textFlag } from "../terminal/flags.ts";
import { auditFolderOf } from "../superlink/audit/audit_folder.ts";

/** `--database`, as the SuperLink has it. */
export const DATABASE_FLAG = textFlag(
  "database",
  "PATH",
  "The database of the SuperLink, as it was started with.",
  { defaultText: "$FLWR_HOME/superlink/trellis.kv" },
);

/** `--audit-log`, as the SuperLink has it. */
export const AUDIT_LOG_FLAG = textFlag(
  "audit-log",
  "DIR",
  "The folder of the audit log, where it is not beside the database.",
);

/** The path of the database; links are followed, as the SuperLink does. */
export async function databasePath(raw: RawFlags): Promise<string> {
  const path = resolve(DATABASE_FLAG.of(raw) ?? join(flwrHome(), "superlink", "trellis.kv"));
  return await Deno.realPath(path).catch(() => path);
}

/** The folder of the audit log. Throws an {@linkcode ExitError} when there is none. */
export async function auditFolder(raw: RawFlags): Promise<string> {
  const given = AUDIT_LOG_FLAG.of(raw);
  const folder = given === undefined ? auditFolderOf(await databasePath(raw)) : resolve(given);
  const info = await Deno.stat(folder).catch(() => undefined);
  if (info?.isDirectory) return folder;
  throw new ExitError(`There is no audit log in "${folder}".`, {
    remedy: "Give --database as the SuperLink was started with, or --audit-log where it has it.",
  });
}
