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
import {
  noteUnfinished,
  readUnfinished,
  type UnfinishedRestore,
} from "../state/unfinished_restore.ts";
import { ArchiveReader } from "./archive.ts";
import { type ChangesSince, changesSince } from "./changes_since.ts";
import { exists, ignoreMissing, placingSteps, type Step } from "./put_in_place.ts";
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

/**
 * Restores a backup. Throws an {@linkcode ExitError}, and changes nothing, when it may not. `place`
 * does the steps that change something, for tests that end it before they are all done.
 */
export async function restoreBackup(
  options: RestoreOptions,
  place: (steps: readonly Step[]) => Promise<void> = inOrder,
): Promise<RestoreResult> {
  const { backup, database, auditFolder, clock } = options;
  using archive = new ArchiveReader(backup);
  using _lock = await holdLock(database, "exclusive");
  const unfinished = await readUnfinished(database);
  const isThere = !unfinished && await exists(database);
  if (isThere && !options.force) {
    throw new ExitError(`There is a database "${database}" already.`, {
      remedy: "Choose another path, or give --force to move it aside. No SuperLink may serve it.",
    });
  }
  const end = chainEndOf(archive.noted("audit-end"));
  const since = options.withoutAuditLog
    ? undefined
    : await requireLog(auditFolder, end, () => isThere ? catchUp(options) : Promise.resolve());
  const temporary = `${database}.restoring`;
  const isOngoing = (await auditFiles(auditFolder)).length > 0;
  const mark = unfinished ?? { replaced: asideOf(database, clock), bringsLog: !isOngoing };
  const applied = await prepare(archive, temporary, { ...options, since, mark });
  const takenAt = archive.noted("taken-at") ?? "an unknown time";
  const steps = placingSteps({
    ...{ archive, temporary, database, auditFolder, mark },
    tellLog: () => isOngoing || end ? tellLog(auditFolder, takenAt, clock) : Promise.resolve(),
  });
  try {
    await place(steps);
  } catch (cause) {
    throw new ExitError(`The restore of "${database}" was cut short: ${reasonOf(cause)}.`, {
      cause,
      remedy: "Run it again to its end. No SuperLink starts on that database before.",
    });
  }
  const replaced = await exists(mark.replaced) ? mark.replaced : undefined;
  return { takenAt, applied, replaced };
}

async function inOrder(steps: readonly Step[]): Promise<void> {
  for (const step of steps) await step();
}

/** What is prepared, and how. */
interface Preparation extends RestoreOptions {
  readonly since: ChangesSince | undefined;
  readonly mark: UnfinishedRestore;
}

/** Makes the restored database and its objects under another name, and then sets the mark. */
async function prepare(
  archive: ArchiveReader,
  temporary: string,
  { backup, database, since, mark, clock }: Preparation,
): Promise<Applied | undefined> {
  try {
    await removeAll(temporary);
    for (const file of archive.files("objects/")) {
      await archive.extract(file, join(`${temporary}.objects`, file.name.slice("objects/".length)));
    }
    const [file] = archive.files("database");
    if (!file) throw damaged(backup, "it holds no database");
    await archive.extract(file, temporary);
    const applied = await mend(temporary, backup, since, clock);
    await noteUnfinished(database, mark);
    return applied;
  } catch (error) {
    await removeAll(temporary);
    if (error instanceof ExitError) throw error;
    throw new ExitError(`The backup "${backup}" could not be restored: ${reasonOf(error)}.`, {
      cause: error,
      remedy: "Check the space and the rights there. No database was changed.",
    });
  }
}

/** Brings the log up to the database that is replaced, as far as that can be read. */
async function catchUp({ database, auditFolder, clock }: RestoreOptions): Promise<void> {
  await using trail = await openAuditLog(auditFolder, { clock, log: SILENT });
  let kv: Deno.Kv | undefined;
  try {
    kv = await Deno.openKv(database);
    await catchUpAudit({ kv, folder: auditFolder, trail, clock });
  } catch {
    // It is damaged, which may be why it is replaced.
  } finally {
    kv?.close();
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

function asideOf(database: string, clock: Clock): string {
  const time = new Date(clock.nowMicros() / 1000).toISOString().replace(/[^0-9TZ]/g, "");
  return `${database}.replaced-${time}`;
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

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
