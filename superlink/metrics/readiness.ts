/**
 * Whether a SuperLink can do its work, and which of its parts cannot.
 *
 * @module
 */

import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { Database } from "../state/database.ts";
import { keys } from "../state/layout.ts";

/** One part. */
export interface Part {
  readonly ready: boolean;
  /** In words, where it is not. */
  readonly reason?: string;
}

/** All of them. */
export interface Readiness {
  readonly ready: boolean;
  readonly parts: Readonly<Record<"listeners" | "database" | "disk", Part>>;
}

/** What is looked at. */
export interface ReadinessSources {
  readonly database: Pick<Database, "kv" | "durable" | "shared" | "place">;
  /** Where the audit log is, if there is one: while it cannot be written, operators are refused. */
  readonly auditFolder: string | undefined;
  /** Whether the APIs listen and the SuperLink does not stop. */
  readonly isServing: () => boolean;
  /** The bytes that are free where a path is; `undefined` where nobody can tell. */
  readonly freeBytes?: (path: string) => Promise<number | undefined>;
}

/** A round of a small federation may need so much. */
const MIN_FREE_BYTES = 64 * 1024 ** 2;
/** A database that takes longer to write one row is no use. */
const WRITE_MS = 5_000;

/** Looks at each part. */
export async function readiness(sources: ReadinessSources): Promise<Readiness> {
  const [database, disk] = await Promise.all([writes(sources), hasRoom(sources)]);
  const listeners = sources.isServing()
    ? { ready: true }
    : { ready: false, reason: "The SuperLink is starting or stopping." };
  const parts = { listeners, database, disk };
  return { ready: Object.values(parts).every(({ ready }) => ready), parts };
}

/** Writes the row that marks the database once more, as it is. */
async function writes({ database: { kv } }: ReadinessSources): Promise<Part> {
  const { promise: late, resolve } = Promise.withResolvers<Part>();
  const timer = setTimeout(
    () => resolve({ ready: false, reason: `The database was not written in ${WRITE_MS} ms.` }),
    WRITE_MS,
  );
  const write = async (): Promise<Part> => {
    const stamp = await kv.get(keys.schema);
    // Somebody else's write, which made the check fail, proves as much.
    await kv.atomic().check(stamp).set(keys.schema, stamp.value).commit();
    return { ready: true };
  };
  try {
    return await Promise.race([write(), late]);
  } catch {
    return { ready: false, reason: "The database cannot be written." };
  } finally {
    clearTimeout(timer);
  }
}

async function hasRoom(
  { database, auditFolder, freeBytes = freeBytesAt }: ReadinessSources,
): Promise<Part> {
  const places: [what: string, folder: string][] = [];
  if (database.durable && !database.shared) places.push(["database", dirname(database.place)]);
  if (auditFolder !== undefined) places.push(["audit log", auditFolder]);
  for (const [what, folder] of places) {
    const free = await freeBytes(folder);
    if (free === undefined || free >= MIN_FREE_BYTES) continue;
    const mebibytes = Math.floor(free / 1024 ** 2);
    return { ready: false, reason: `Only ${mebibytes} MiB are free where the ${what} is.` };
  }
  return { ready: true };
}

async function freeBytesAt(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
