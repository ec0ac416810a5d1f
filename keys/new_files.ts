import { KeyError, whyNot } from "./key_error.ts";

/** A file to make. */
export interface NewFile {
  readonly path: string;
  readonly content: string;
  /** Unix permission bits: 0o600 for a secret. Windows has none and ignores it. */
  readonly mode: 0o600 | 0o644;
}

/**
 * Makes all files or none: a file that exists is never overwritten or followed, and when any of
 * them cannot be made, those that were made are removed again. All are on disk when it returns.
 * `advance` is told how many are.
 *
 * @throws KeyError `exists` or `unwritable`
 */
export async function writeNewFiles(
  files: readonly NewFile[],
  advance: (written: number) => void = () => {},
): Promise<void> {
  const made: string[] = [];
  try {
    for (const { path, content, mode } of files) {
      const file = await createNew(path, mode);
      made.push(path);
      await writeAndClose(file, path, content);
      advance(made.length);
    }
  } catch (error) {
    // What went wrong first is what to tell, so a failed removal is not.
    await Promise.allSettled(made.map((path) => Deno.remove(path)));
    throw error;
  }
}

async function createNew(path: string, mode: number): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { write: true, createNew: true, mode });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) {
      throw new KeyError(
        "exists",
        `The file "${path}" exists already, and keys are never overwritten.`,
        "Choose another path, or move the file away first.",
      );
    }
    throw unwritable(path, error);
  }
}

async function writeAndClose(file: Deno.FsFile, path: string, content: string): Promise<void> {
  try {
    let rest = new TextEncoder().encode(content);
    while (rest.length > 0) rest = rest.subarray(await file.write(rest));
    await file.sync();
  } catch (error) {
    throw unwritable(path, error);
  } finally {
    file.close();
  }
}

function unwritable(path: string, error: unknown): KeyError {
  return new KeyError(
    "unwritable",
    `The file "${path}" cannot be written, because ${whyNot(error)}.`,
    "Check its directory, the permissions and the space on the disk.",
  );
}
