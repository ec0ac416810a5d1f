/**
 * Restores a backup to where no SuperLink serves. What was unregistered, suspended or revoked since,
 * by the audit log that was kept going, stays so; no proof of the time before is accepted again, and logins end.
 *
 * @module
 */

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ExitError } from "../../terminal/errors.ts";
import { createLog } from "../../terminal/log.ts";
import { auditFiles } from "../audit/audit_folder.ts";
import type { ChainEnd } from "../audit/audit_line.ts";
import { catchUpAudit } from "../audit/catch_up.ts";
import { openAuditLog } from "../audit/audit_log.ts";
import { verifyAudit } from "../audit/verify_audit.ts";
import { Grants } from "../access/grants.ts";
import type { Clock } from "../clock.ts";
import { commit } from "../state/commit.ts";
import { holdLock } from "../state/file_lock.ts";
import { keys } from "../state/layout.ts";
import { stamp } from "../state/schema.ts";
import { findingsIn } from "../state/integrity.ts";
import { ArchiveReader } from "./archive.ts";
import { type ChangesSince, changesSince } from "./changes_since.ts";
import { type Applied, replay } from "./replay.ts";

/** What is restored, and where to. */
export interface RestoreOptions {
  readonly backup: string;
  readonly database: string;
  /** The folder of the audit log; it is gone on with, or comes back with the backup. */
  readonly auditFolder: string;
  /** A database that is there is moved away. */
  readonly force: boolean;
  /** Nothing is known, or need be known, of what was ended since the backup. */
  readonly withoutAuditLog: boolean;
  readonly clock: Clock;
}

/** What was restored. */
export interface RestoreResult {
  /** When the backup was taken: ISO 8601. */
  readonly takenAt: string;
  /** What was done again; absent where the audit log was left out. */
  readonly applied: Applied | undefined;
  /** Where the database that was there is now. */
  readonly replaced: string | undefined;
}

/** What it has to say, the command says. */
const SILENT = createLog({ format: "json", write() {} });

/** Restores a backup. Throws an {@linkcode ExitError}, and changes nothing, when it may not. */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreResult> {
  const { backup, database, auditFolder, force, clock } = options;
  using archive = new ArchiveReader(backup);
  using _lock = await holdLock(database, "exclusive");
  const isThere = await Deno.lstat(database).then(() => true, () => false);
  if (isThere && !force) {
    throw new ExitError(`There is a database "${database}" already.`, {
      remedy: "Choose another path, or give --force to move it aside. No SuperLink may serve it.",
    });
  }
  const end = chainEndOf(archive.noted("audit-end"));
  const since = options.withoutAuditLog
    ? undefined
    : await requireLog(auditFolder, end, () => isThere ? catchUp(options) : Promise.resolve());
  const temporary = `${database}.restoring`;
  await removeAll(temporary);
  try {
    for (const file of archive.files("objects/")) {
      await archive.extract(file, join(`${temporary}.objects`, file.name.slice("objects/".length)));
    }
    const [file] = archive.files("database");
    if (!file) throw damaged(backup, "it holds no database");
    await archive.extract(file, temporary);
    const applied = await mend(temporary, backup, since, clock);
    const replaced = isThere ? await moveAside(database, clock) : undefined;
    await Deno.rename(`${temporary}.objects`, `${database}.objects`).catch(ignoreMissing);
    // Last, because without it there is nothing that a SuperLink would open.
    await Deno.rename(temporary, database);
    const isOngoing = (await auditFiles(auditFolder)).length > 0;
    if (!isOngoing) {
      for (const file of archive.files("audit/")) {
        await archive.extract(file, join(auditFolder, file.name.slice("audit/".length)));
      }
    }
    const takenAt = archive.noted("taken-at") ?? "an unknown time";
    if (isOngoing || end) await tellLog(auditFolder, takenAt, clock);
    return { takenAt, applied, replaced };
  } catch (error) {
    await removeAll(temporary);
    throw error;
  }
}

/** Brings the log up to the database that is replaced, if that can be read at all. */
async function catchUp({ database, auditFolder, clock }: RestoreOptions): Promise<void> {
  let kv: Deno.Kv;
  try {
    kv = await Deno.openKv(database);
  } catch {
    return;
  }
  try {
    await using trail = await openAuditLog(auditFolder, { clock, log: SILENT });
    await catchUpAudit({ kv, folder: auditFolder, trail, clock });
  } finally {
    kv.close();
  }
}

/** What was ended since, by a log that is whole and goes on from the backup's. */
async function requireLog(
  folder: string,
  end: ChainEnd | undefined,
  catchUp: () => Promise<void>,
): Promise<ChangesSince> {
  const remedy =
    "Give --audit-log where it is. If there is none, or you have looked yourself at what " +
    "was unregistered and revoked since the backup, give --without-audit-log.";
  if (!end) throw new ExitError("The backup holds no audit log to go on from.", { remedy });
  if ((await auditFiles(folder)).length === 0) {
    throw new ExitError(
      `There is no audit log in "${folder}" that says what was unregistered since the backup.`,
      { remedy },
    );
  }
  // What was before the backup is in it: older files may have been moved to an archive.
  const { findings: [finding] } = await verifyAudit(folder, { since: end });
  if (finding) {
    const { file, lineNumber } = finding;
    const where = lineNumber === undefined ? file : `${file}:${lineNumber}`;
    throw new ExitError(
      `The audit log in "${folder}" is not whole, or not the one of the backup: ${where}: ` +
        `${finding.what}.`,
      { remedy },
    );
  }
  await catchUp();
  return await changesSince(folder, end);
}

async function mend(
  path: string,
  backup: string,
  since: ChangesSince | undefined,
  clock: Clock,
): Promise<Applied | undefined> {
  const kv = await Deno.openKv(path);
  let applied: Applied | undefined;
  // Closes it when it is a newer Trellis's.
  await stamp(kv, backup);
  try {
    const [finding] = await findingsIn(kv);
    if (finding !== undefined) throw damaged(backup, finding);
    applied = since && await replay(kv, since, clock);
    await new Grants(kv, clock).endLogins();
    await commit(kv.atomic().set(keys.restored, clock.nowMicros()));
  } finally {
    kv.close();
  }
  // All into the one file, which is then renamed.
  const sqlite = new DatabaseSync(path, { timeout: 10_000 });
  sqlite.exec("pragma wal_checkpoint(truncate); pragma journal_mode = delete");
  sqlite.close();
  return applied;
}

async function moveAside(database: string, clock: Clock): Promise<string> {
  const time = new Date(clock.nowMicros() / 1000).toISOString().replace(/[^0-9TZ]/g, "");
  const replaced = `${database}.replaced-${time}`;
  for (const part of ["-wal", "-shm", ".objects", ""]) {
    await Deno.rename(`${database}${part}`, `${replaced}${part}`).catch(ignoreMissing);
  }
  return replaced;
}

async function tellLog(folder: string, takenAt: string, clock: Clock): Promise<void> {
  await using trail = await openAuditLog(folder, { clock, log: SILENT });
  await trail.record({
    who: { program: "trellis restore" },
    action: "database.restore",
    subject: { detail: `the backup of ${takenAt}` },
    outcome: "done",
  });
}

function chainEndOf(text: string | undefined): ChainEnd | undefined {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text ?? "");
  return match?.[2] === undefined ? undefined : { seq: Number(match[1]), hash: match[2] };
}

function damaged(backup: string, what: string): ExitError {
  return new ExitError(`The backup "${backup}" is damaged: ${what}.`, {
    remedy: "Take another backup.",
  });
}

async function removeAll(temporary: string): Promise<void> {
  for (const part of ["", "-wal", "-shm", "-journal", ".objects"]) {
    await Deno.remove(`${temporary}${part}`, { recursive: true }).catch(ignoreMissing);
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
