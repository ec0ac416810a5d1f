import type { Blobs } from "../objects/blobs.ts";

/** The space of the blob store that FABs live in; runs' spaces are numbers. */
export const FAB_SPACE = "fabs";

/** A FAB that was put may be one whose run is about to be made. */
const NEW_MS = 3_600_000;

/** The FABs of all runs, each kept once under its hash. */
export class Fabs {
  readonly #blobs: Blobs;
  /** When each was put last, in milliseconds. */
  readonly #putAt = new Map<string, number>();

  constructor(blobs: Blobs) {
    this.#blobs = blobs;
  }

  /** Keeps a FAB under its hash: hex SHA-256 of its bytes. */
  async put(hash: string, content: Uint8Array): Promise<void> {
    this.#putAt.set(hash, performance.now());
    await this.#blobs.put(FAB_SPACE, hash, content);
  }

  async get(hash: string): Promise<Uint8Array | undefined> {
    return /^[0-9a-f]{64}$/.test(hash) ? await this.#blobs.get(FAB_SPACE, hash) : undefined;
  }

  /** Deletes the FAB of runs that are gone, unless it was put lately. */
  async delete(hash: string): Promise<void> {
    const nowMs = performance.now();
    for (const [known, atMs] of this.#putAt) if (nowMs - atMs > NEW_MS) this.#putAt.delete(known);
    if (!this.#putAt.has(hash)) await this.#blobs.delete(FAB_SPACE, hash);
  }
}
