/**
 * Puts what was restored in the places of what was there. Each step may be the last one that is done,
 * because the process is killed, say: then the next restore goes on from there, and nothing else does
 * anything with the database before.
 *
 * @module
 */

import { join } from "node:path";
import { noteFinished, type UnfinishedRestore } from "../state/unfinished_restore.ts";
import type { ArchiveReader } from "./archive.ts";

/** Something that is done as a whole or not at all. */
export type Step = () => Promise<void>;

/** What is put where. */
export interface Placing {
  readonly archive: ArchiveReader;
  /** The restored database; its objects are beside it. */
  readonly temporary: string;
  readonly database: string;
  readonly auditFolder: string;
  readonly mark: UnfinishedRestore;
  /** Writes the line of the restore. */
  readonly tellLog: Step;
}

/** The files of a database; without the first there is none. */
const PARTS = ["", "-wal", "-shm", ".objects"] as const;

/** The steps, in their order, once the mark says that they are under way. */
export function placingSteps(placing: Placing): readonly Step[] {
  const { archive, temporary, database, auditFolder, mark, tellLog } = placing;
  return [
    ...PARTS.map((part) => () => moveAside(`${database}${part}`, `${mark.replaced}${part}`)),
    () => Deno.rename(`${temporary}.objects`, `${database}.objects`).catch(ignoreMissing),
    () => Deno.rename(temporary, database),
    ...(mark.bringsLog
      ? archive.files("audit/").map((file) => async () => {
        const path = join(auditFolder, file.name.slice("audit/".length));
        // An attempt before this one put it there.
        if (await exists(path)) return;
        const unfinished = join(auditFolder, ".restoring");
        await Deno.remove(unfinished).catch(ignoreMissing);
        await archive.extract(file, unfinished);
        await Deno.rename(unfinished, path);
      })
      : []),
    tellLog,
    () => noteFinished(database),
  ];
}

/** Whether something is there. */
export async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** For what need not be there. */
export function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

async function moveAside(path: string, aside: string): Promise<void> {
  if (await exists(aside)) {
    // It was moved by an attempt before this one, which put its own in the place.
    await Deno.remove(path, { recursive: true }).catch(ignoreMissing);
  } else {
    await Deno.rename(path, aside).catch(ignoreMissing);
  }
}
