import type { Blobs } from "../objects/blobs.ts";

/** The space of the blob store that FABs live in; runs' spaces are numbers. */
export const FAB_SPACE = "fabs";

/** The FABs of all runs, each kept once under its hash. */
export class Fabs {
  readonly #blobs: Blobs;

  constructor(blobs: Blobs) {
    this.#blobs = blobs;
  }

  /** Keeps a FAB under its hash: hex SHA-256 of its bytes. */
  async put(hash: string, content: Uint8Array): Promise<void> {
    await this.#blobs.put(FAB_SPACE, hash, content);
  }

  async get(hash: string): Promise<Uint8Array | undefined> {
    return /^[0-9a-f]{64}$/.test(hash) ? await this.#blobs.get(FAB_SPACE, hash) : undefined;
  }
}
