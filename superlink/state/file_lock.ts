import { dirname } from "node:path";
import { ExitError } from "../../terminal/errors.ts";

/**
 * Locks a file beside the database; the system lets go of it when the process ends in any way. A
 * SuperLink that keeps truth in memory holds the database exclusively, those that keep none share it.
 * Throws an {@linkcode ExitError} when it is held otherwise.
 */
export async function holdLock(path: string, how: "exclusive" | "shared"): Promise<Deno.FsFile> {
  let file: Deno.FsFile;
  try {
    await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    file = await Deno.open(`${path}.lock`, { create: true, write: true, read: true, mode: 0o600 });
  } catch (cause) {
    throw new ExitError(`The database "${path}" cannot be made or opened.`, {
      cause,
      remedy: "Check that its folder can be written to, or choose another with --database.",
    });
  }
  if (await file.tryLock(how === "exclusive")) return file;
  file.close();
  throw new ExitError(`The database "${path}" is held by another SuperLink.`, {
    remedy: "Stop that SuperLink first, or choose another file with --database.",
  });
}
