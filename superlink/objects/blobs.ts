/**
 * Bytes that are too large for a Deno KV value: a file each, in a folder for each run.
 *
 * @module
 */

import { join } from "node:path";
import { StorageFailure } from "../state/commit.ts";

/** Keeps bytes under a name within a space; what `put` has answered is on disk. */
export interface Blobs {
  /**
   * Writing the same name twice is harmless: names are hashes of the bytes. Throws a
   * {@linkcode StorageFailure} when the bytes cannot be written.
   */
  put(space: string, name: string, bytes: Uint8Array): Promise<void>;
  get(space: string, name: string): Promise<Uint8Array | undefined>;
  delete(space: string, name: string): Promise<void>;
  deleteSpace(space: string): Promise<void>;
  /** The spaces that hold anything. */
  spaces(): Promise<string[]>;
}

/** The blobs of a folder: written under a temporary name, synced, then renamed. */
export class FileBlobs implements Blobs {
  readonly #folder: string;
  #writes = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async put(space: string, name: string, bytes: Uint8Array): Promise<void> {
    const folder = join(this.#folder, space);
    // One that a killed process left under this name is overwritten.
    const temporary = join(folder, `.${name}.${this.#writes++}.tmp`);
    try {
      await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      await writeSynced(temporary, bytes);
      await Deno.rename(temporary, join(folder, name));
    } catch (cause) {
      await removeIfThere(temporary).catch(() => {});
      throw new StorageFailure(cause);
    }
  }

  async get(space: string, name: string): Promise<Uint8Array | undefined> {
    try {
      return await readPieces(join(this.#folder, space, name));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  async delete(space: string, name: string): Promise<void> {
    await removeIfThere(join(this.#folder, space, name));
  }

  async deleteSpace(space: string): Promise<void> {
    await removeIfThere(join(this.#folder, space), { recursive: true });
  }

  async spaces(): Promise<string[]> {
    const spaces: string[] = [];
    try {
      for await (const entry of Deno.readDir(this.#folder)) {
        if (entry.isDirectory) spaces.push(entry.name);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return spaces;
  }
}

/**
 * Files are read and written in pieces: they pass through the memory of other threads, and each thread
 * keeps the largest that it had.
 */
const PIECE_BYTES = 512 * 1024;

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { create: true, truncate: true, write: true, mode: 0o600 });
  let written = 0;
  while (written < bytes.length) {
    written += await file.write(bytes.subarray(written, written + PIECE_BYTES));
  }
  await file.sync();
}

async function readPieces(path: string): Promise<Uint8Array> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array((await file.stat()).size);
  let read = 0;
  while (read < bytes.length) {
    const count = await file.read(bytes.subarray(read, read + PIECE_BYTES));
    // It was cut off meanwhile, which its hash tells.
    if (count === null) break;
    read += count;
  }
  return bytes.subarray(0, read);
}

async function removeIfThere(path: string, options?: Deno.RemoveOptions): Promise<void> {
  try {
    await Deno.remove(path, options);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
