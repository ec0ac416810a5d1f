/**
 * Opens the SuperLink's database: Deno KV on a file that one SuperLink holds at a time, or in memory.
 *
 * @module
 */

import { resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { equalBytes } from "../../keys/bytes.ts";
import { ExitError } from "../../terminal/errors.ts";
import { type Blobs, FileBlobs } from "../objects/blobs.ts";
import { SharedReads } from "../objects/shared_reads.ts";
import { holdLock } from "./file_lock.ts";
import { stamp } from "./schema.ts";
import { requireNoUnfinishedRestore } from "./unfinished_restore.ts";

/** An open database. */
export interface Database {
  readonly kv: Deno.Kv;
  /** What is too large for a Deno KV value: a folder beside the file. */
  readonly blobs: Blobs;
  /** Whether what is written outlives the process. */
  readonly durable: boolean;
  /** Whether other processes read and write it, too. */
  readonly shared: boolean;
  /** The file, or `memory`, for the log. */
  readonly place: string;
  close(): void | Promise<void>;
}

/** The names for a state in memory: Deno KV's, and Flower's. */
const MEMORY_NAMES: readonly string[] = [":memory:", ":flwr-in-memory:"];

/** The first bytes of every SQLite file (its file format, section 1.3). */
const SQLITE_MAGIC = new TextEncoder().encode("SQLite format 3\0");

/**
 * Opens `place`, a file path or one of the names for memory, and makes it if it is not there.
 * Throws an {@linkcode ExitError} when the file belongs to another program, to a newer Trellis or to
 * a SuperLink that is running.
 */
export async function openDatabase(place: string): Promise<Database> {
  if (MEMORY_NAMES.includes(place)) {
    const kv = await Deno.openKv(":memory:");
    await stamp(kv, place);
    const folder = await Deno.makeTempDir({ prefix: "trellis-superlink-" });
    return {
      kv,
      blobs: new SharedReads(new FileBlobs(folder)),
      durable: false,
      shared: false,
      place: "memory",
      async close() {
        kv.close();
        await Deno.remove(folder, { recursive: true });
      },
    };
  }
  if (/^[a-z]+:\/\//.test(place)) {
    throw new ExitError(`The database "${place}" is not a file.`, {
      remedy: "Give --database the path of a file on this machine, or :memory:.",
    });
  }
  const path = await realPath(resolve(place));
  refuseForeignFile(path);
  const lock = await holdLock(path, "exclusive");
  try {
    await requireNoUnfinishedRestore(path);
    await makePrivate(path);
    const kv = await Deno.openKv(path);
    await stamp(kv, path);
    return {
      kv,
      blobs: new SharedReads(new FileBlobs(`${path}.objects`)),
      durable: true,
      shared: false,
      place: path,
      close() {
        kv.close();
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    if (error instanceof ExitError) throw error;
    // SQLite's words.
    const isFull = error instanceof Error && error.message.includes("disk is full");
    throw new ExitError(`The database "${path}" cannot be opened.`, {
      cause: error,
      remedy: isFull
        ? "Its disk is full: make room there, or choose another with --database."
        : "Check that it is a Trellis database and that this user may write to it.",
    });
  }
}

/** A new database is for this user alone; SQLite gives the files beside it the same mode. */
async function makePrivate(path: string): Promise<void> {
  try {
    (await Deno.open(path, { write: true, createNew: true, mode: 0o600 })).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

/** One name for a file that links lead to, so that there is one lock for it. */
async function realPath(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch {
    return path;
  }
}

/**
 * Deno KV would write its tables into any SQLite file, so look before it does. Throws an
 * {@linkcode ExitError} for a file that cannot be a Trellis database.
 */
export function refuseForeignFile(path: string): void {
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch {
    // There is none, or opening it will say why it cannot be read.
    return;
  }
  if (!info.isFile) throw notOurs(path, "it is not a file");
  if (info.size === 0) return;
  // SQLite itself takes a file of a few bytes for an empty database.
  if (!startsLikeSqlite(path)) throw notOurs(path, "it is not a database");
  let tables: unknown[];
  try {
    tables = tablesOf(path);
  } catch (cause) {
    throw notOurs(path, "it is not a database", cause);
  }
  // Deno KV makes this table first, and it is all there is when its first start was cut short.
  if (tables.length > 0 && !tables.includes("migration_state")) {
    const flower = tables.includes("message_ins");
    throw notOurs(path, flower ? "it is a Flower SuperLink's" : "it is another program's");
  }
}

function tablesOf(path: string, readOnly = true): unknown[] {
  const sqlite = new DatabaseSync(path, { readOnly });
  try {
    return sqlite.prepare("select name from sqlite_master where type = 'table'").all()
      .map((row) => row["name"]);
  } catch (error) {
    // A process that was killed in the middle of a write leaves something to undo.
    if (readOnly && isReadOnlyError(error)) return tablesOf(path, false);
    throw error;
  } finally {
    sqlite.close();
  }
}

/** `SQLITE_READONLY` is 8; the higher bits say more. */
function isReadOnlyError(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" &&
    (error.errcode & 0xff) === 8;
}

function startsLikeSqlite(path: string): boolean {
  using file = Deno.openSync(path);
  const start = new Uint8Array(SQLITE_MAGIC.length);
  file.readSync(start);
  return equalBytes(start, SQLITE_MAGIC);
}

function notOurs(path: string, why: string, cause?: unknown): ExitError {
  return new ExitError(`The database "${path}" is not a Trellis database: ${why}.`, {
    cause,
    remedy: "Choose another file with --database; a file that does not exist yet will be made.",
  });
}
