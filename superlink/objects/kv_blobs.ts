/**
 * Large bytes in Deno KV, for where there is no disk: cut into chunks, and there once a row says so.
 *
 * @module
 */

import { batches } from "../state/batches.ts";
import { commit } from "../state/commit.ts";
import { deletePrefix } from "../state/delete_prefix.ts";
import { type BlobRow, keys } from "../state/layout.ts";
import type { Blobs } from "./blobs.ts";

/** A Deno KV value has at most 64 KiB. */
const CHUNK_BYTES = 60_000;
/** A commit takes about 800 KiB, and a read 10 keys. */
const CHUNKS_AT_ONCE = 10;

/** The blobs of a database. */
export class KvBlobs implements Blobs {
  readonly #kv: Deno.Kv;

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
  }

  async put(space: string, name: string, bytes: Uint8Array): Promise<void> {
    const key = keys.blob(space, name);
    if ((await this.#kv.get(key)).value !== null) return;
    const chunkCount = Math.ceil(bytes.length / CHUNK_BYTES);
    for (const some of batches([...Array(chunkCount).keys()], CHUNKS_AT_ONCE)) {
      const operation = this.#kv.atomic();
      for (const chunk of some) {
        // A copy: Deno KV would store all of the buffer that the chunk lies in.
        const piece = bytes.slice(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES);
        operation.set(keys.chunk(space, name, chunk), piece);
      }
      await commit(operation);
    }
    const row: BlobRow = { chunkCount, sizeBytes: bytes.length };
    await commit(this.#kv.atomic().set(key, row));
  }

  async get(space: string, name: string): Promise<Uint8Array | undefined> {
    const { value } = await this.#kv.get<BlobRow>(keys.blob(space, name));
    if (value === null) return undefined;
    const bytes = new Uint8Array(value.sizeBytes);
    const chunks = batches([...Array(value.chunkCount).keys()], CHUNKS_AT_ONCE);
    const whole = await Promise.all(chunks.map(async (some) => {
      const wanted = some.map((chunk) => keys.chunk(space, name, chunk));
      const found = await this.#kv.getMany<Uint8Array[]>(wanted);
      return found.every(({ value: piece }, index) => {
        const chunk = some[index] ?? 0;
        // It was deleted while it was read.
        if (piece === null) return false;
        bytes.set(piece, chunk * CHUNK_BYTES);
        return true;
      });
    }));
    return whole.every((there) => there) ? bytes : undefined;
  }

  async delete(space: string, name: string): Promise<void> {
    await commit(this.#kv.atomic().delete(keys.blob(space, name)));
    await deletePrefix(this.#kv, keys.chunksOf(space, name));
  }

  async deleteSpace(space: string): Promise<void> {
    await deletePrefix(this.#kv, keys.blobs(space));
    await deletePrefix(this.#kv, keys.chunks(space));
  }

  /** Also those of which only chunks were written, by a process that ended. */
  async spaces(): Promise<string[]> {
    const spaces: string[] = [];
    for (;;) {
      const [prefix] = keys.allChunks;
      const after = spaces.at(-1);
      const start = after === undefined ? [prefix] : [prefix, `${after}\0`];
      const end = [prefix, END];
      const [first] = await Array.fromAsync(this.#kv.list({ start, end }, { limit: 1 }));
      const space = first?.key[1];
      if (typeof space !== "string") return spaces;
      spaces.push(space);
    }
  }
}

/** Sorts behind every text. */
const END = true;
