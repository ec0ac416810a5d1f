/**
 * A restore puts several files in their places, one after the other. While it does, a mark beside the
 * database says so. What a killed one leaves is no state that a SuperLink may serve: a place that is
 * empty would be taken for a new database, in which no key was ever burned.
 *
 * @module
 */

import { ExitError } from "../../terminal/errors.ts";

/** What a restore that goes on where another was cut short must know of it. */
export interface UnfinishedRestore {
  /** Where the database that was there goes. */
  readonly replaced: string;
  /** The audit log of the backup is brought back, because there was none. */
  readonly bringsLog: boolean;
}

/** The mark of a restore that is under way or was cut short. */
export async function readUnfinished(database: string): Promise<UnfinishedRestore | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(markOf(database));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const mark: unknown = JSON.parse(text);
  if (typeof mark === "object" && mark !== null && "replaced" in mark && "bringsLog" in mark) {
    const { replaced, bringsLog } = mark;
    if (typeof replaced === "string" && typeof bringsLog === "boolean") {
      return { replaced, bringsLog };
    }
  }
  throw new ExitError(`The file "${markOf(database)}" is not what a restore writes.`);
}

/** Says that a restore is under way; whole or not at all. */
export async function noteUnfinished(database: string, mark: UnfinishedRestore): Promise<void> {
  const temporary = `${markOf(database)}.new`;
  {
    using file = await Deno.open(temporary, { create: true, truncate: true, write: true });
    await file.write(new TextEncoder().encode(`${JSON.stringify(mark)}\n`));
    await file.sync();
  }
  await Deno.rename(temporary, markOf(database));
}

/** Says that it is over. */
export async function noteFinished(database: string): Promise<void> {
  await Deno.remove(markOf(database));
}

/** Throws an {@linkcode ExitError} when a restore of the database was cut short. */
export async function requireNoUnfinishedRestore(database: string): Promise<void> {
  if (await readUnfinished(database) === undefined) return;
  throw new ExitError(`A restore of the database "${database}" was cut short.`, {
    remedy: `Run it again to its end: trellis restore BACKUP --database ${database}`,
  });
}

function markOf(database: string): string {
  return `${database}.unfinished-restore`;
}
