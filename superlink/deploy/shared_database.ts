import { CachedBlobs } from "../objects/cached_blobs.ts";
import { KvBlobs } from "../objects/kv_blobs.ts";
import type { Database } from "../state/database.ts";
import { holdLock } from "../state/file_lock.ts";
import { stamp } from "../state/schema.ts";
import { requireNoUnfinishedRestore } from "../state/unfinished_restore.ts";

/**
 * Opens a database that several isolates share: that of Deno Deploy, a KV Connect server by its
 * address, or a file, of which only the isolates of one process hear each other. `cacheBytes` bounds
 * what of large objects is kept in memory.
 */
export async function openSharedDatabase(
  place: string | undefined,
  cacheBytes: number,
): Promise<Database> {
  const isFile = place !== undefined && !/^(https?:\/\/|:memory:$)/.test(place);
  const lock = isFile ? await holdLock(place, "shared") : undefined;
  try {
    if (isFile) await requireNoUnfinishedRestore(place);
    const kv = await Deno.openKv(place);
    const name = place ?? "Deno Deploy's";
    await stamp(kv, name);
    return {
      kv,
      blobs: new CachedBlobs(new KvBlobs(kv), cacheBytes),
      durable: true,
      shared: true,
      place: name,
      close() {
        kv.close();
        lock?.close();
      },
    };
  } catch (error) {
    lock?.close();
    throw error;
  }
}
