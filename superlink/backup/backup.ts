/**
 * Takes a backup of a SuperLink's database, its objects and FABs and its audit log, while it serves.
 *
 * The database is copied by SQLite itself (`VACUUM INTO`), as it was at one moment. Objects are files
 * that are written before a row names them and deleted after, so they are copied before that moment,
 * and those that are new once more after it. What a row names and is missing all the same belongs to a
 * message that was confirmed meanwhile.
 *
 * @module
 */

import { dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ExitError } from "../../terminal/errors.ts";
import { auditFiles, HEAD_NAME } from "../audit/audit_folder.ts";
import { verifyAudit } from "../audit/verify_audit.ts";
import { refuseForeignFile } from "../state/database.ts";
import { requireKnown } from "../state/schema.ts";
import { requireNoUnfinishedRestore } from "../state/unfinished_restore.ts";
import { ArchiveWriter, filesBelow } from "./archive.ts";

/** What is backed up, and where to. */
export interface BackupOptions {
  readonly database: string;
  /** Where the audit log is, if there is one. */
  readonly auditFolder: string | undefined;
  /** Replaced once the backup is whole. */
  readonly output: string;
  readonly nowMicros: number;
  /** Told how many of the objects and FABs were looked at. */
  readonly advance?: (done: number, total: number) => void;
}

/** What was backed up. */
export interface BackupResult {
  readonly sizeBytes: number;
  readonly objectCount: number;
}

/** Takes a backup. Throws an {@linkcode ExitError} when it cannot be; an older one stays then. */
export async function takeBackup(
  { database, auditFolder, output, nowMicros, advance }: BackupOptions,
): Promise<BackupResult> {
  if (!await isFile(database)) {
    throw new ExitError(`There is no database "${database}".`, {
      remedy: "Give --database as the SuperLink was started with.",
    });
  }
  refuseForeignFile(database);
  await requireNoUnfinishedRestore(database);
  // It would be replaced by a file, also where it is a device.
  if (await Deno.stat(output).then((info) => !info.isFile, () => false)) {
    throw new ExitError(`"${output}" is not a file.`, {
      remedy: "Give --output the path of a file; it is made, or replaced once the backup is whole.",
    });
  }
  const folder = dirname(resolve(output));
  await removeLeftOvers(folder);
  const temporary = join(folder, `.${crypto.randomUUID()}.trellis-backup`);
  const snapshot = `${temporary}.database`;
  try {
    const objects = `${database}.objects`;
    let objectCount = 0;
    {
      using archive = new ArchiveWriter(temporary);
      const addObjects = async () => {
        const names = await filesBelow(objects);
        for (const [index, name] of names.entries()) {
          advance?.(index, names.length);
          const archived = `objects/${name}`;
          if (archive.has(archived)) continue;
          if (await archive.add(archived, join(objects, name))) objectCount++;
        }
      };
      await addObjects();
      // Before the database: what has a line up to here is in the copy.
      const end = auditFolder === undefined ? undefined : (await verifyAudit(auditFolder)).end;
      if (end) archive.note("audit-end", `${end.seq}:${end.hash}`);
      archive.note("taken-at", new Date(nowMicros / 1000).toISOString());
      await copyDatabase(database, snapshot);
      await archive.add("database", snapshot);
      await requireKnownVersion(snapshot, database);
      await Deno.remove(snapshot);
      await addObjects();
      if (auditFolder !== undefined) {
        // The head first: one that is behind the lines is well, one that knows more misses some.
        await archive.add(`audit/${HEAD_NAME}`, join(auditFolder, HEAD_NAME));
        for (const name of await auditFiles(auditFolder)) {
          await archive.add(`audit/${name}`, join(auditFolder, name));
        }
      }
    }
    await sync(temporary);
    const { size: sizeBytes } = await Deno.stat(temporary);
    await Deno.rename(temporary, output);
    return { sizeBytes, objectCount };
  } catch (error) {
    if (error instanceof ExitError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new ExitError(`The backup "${output}" could not be written: ${why}.`, {
      cause: error,
      remedy: "Check the space and the rights there, and the database with `trellis verify`. An " +
        "older backup of that name is as it was.",
    });
  } finally {
    for (const path of [temporary, snapshot]) {
      for (const part of ["", "-journal", "-wal", "-shm"]) {
        await Deno.remove(`${path}${part}`).catch(() => {});
      }
    }
  }
}

/** What a backup writes to until it is whole. */
const TEMPORARY = /^\.[0-9a-f-]{36}\.trellis-backup/;
/** One that was not written to for so long is nobody's any more. */
const LEFT_AFTER_MS = 3_600_000;

/** Removes what backups left that were killed: each may be as large as all of the state. */
async function removeLeftOvers(folder: string): Promise<void> {
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (!TEMPORARY.test(name)) continue;
      const path = join(folder, name);
      const { mtime } = await Deno.stat(path);
      if (Date.now() - (mtime?.getTime() ?? 0) >= LEFT_AFTER_MS) await Deno.remove(path);
    }
  } catch {
    // Writing there will say what is wrong, if it matters.
  }
}

/** Copies a database that another process may be writing, as it is at one moment. */
async function copyDatabase(database: string, path: string): Promise<void> {
  // SQLite takes an empty file, and would make one that others may read.
  (await Deno.open(path, { createNew: true, write: true, mode: 0o600 })).close();
  try {
    vacuumInto(database, path, true);
  } catch (error) {
    // The last process was killed, and what it left can be read by a writer only.
    if (!(error instanceof Error) || !/readonly|unable to open/i.test(error.message)) throw error;
    vacuumInto(database, path, false);
  }
}

/** What this Trellis could not restore it does not back up. */
async function requireKnownVersion(copy: string, database: string): Promise<void> {
  const kv = await Deno.openKv(copy);
  const version = await requireKnown(kv, database);
  kv.close();
  if (version !== undefined) return;
  throw new ExitError(`No SuperLink has kept its state in "${database}" yet.`, {
    remedy: "Give --database as the SuperLink was started with.",
  });
}

function vacuumInto(database: string, path: string, readOnly: boolean): void {
  const sqlite = new DatabaseSync(database, { readOnly, timeout: 10_000 });
  try {
    sqlite.prepare("vacuum into ?").run(path);
  } finally {
    sqlite.close();
  }
}

async function isFile(path: string): Promise<boolean> {
  const info = await Deno.stat(path).catch(() => undefined);
  return info?.isFile ?? false;
}

async function sync(path: string): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  await file.sync();
}
