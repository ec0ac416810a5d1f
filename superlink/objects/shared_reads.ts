import type { Blobs } from "./blobs.ts";

interface Read {
  /** Until it is known what is there. */
  readonly reading?: Promise<Uint8Array | undefined>;
  /** For as long as somebody uses it. */
  readonly content?: WeakRef<Uint8Array>;
}

/**
 * Blobs that are read once for all who ask while they are in use: the nodes of a round fetch the same
 * model at the same time. Nothing is kept for its own sake.
 */
export class SharedReads implements Blobs {
  readonly #blobs: Blobs;
  readonly #reads = new Map<string, Read>();
  readonly #unused = new FinalizationRegistry<string>((id) => {
    const read = this.#reads.get(id);
    if (read?.content && !read.content.deref()) this.#reads.delete(id);
  });

  constructor(blobs: Blobs) {
    this.#blobs = blobs;
  }

  async put(space: string, name: string, bytes: Uint8Array): Promise<void> {
    await this.#blobs.put(space, name, bytes);
  }

  async get(space: string, name: string): Promise<Uint8Array | undefined> {
    const id = `${space}/${name}`;
    const known = this.#reads.get(id);
    const content = known?.content?.deref();
    if (content) return content;
    if (known?.reading) return await known.reading;
    const read: Read = { reading: this.#blobs.get(space, name) };
    this.#reads.set(id, read);
    let found: Uint8Array | undefined;
    try {
      found = await read.reading;
      return found;
    } finally {
      // Unless it was deleted meanwhile.
      if (this.#reads.get(id) === read) this.#keep(id, found);
    }
  }

  async delete(space: string, name: string): Promise<void> {
    this.#reads.delete(`${space}/${name}`);
    await this.#blobs.delete(space, name);
  }

  async deleteSpace(space: string): Promise<void> {
    for (const id of [...this.#reads.keys()]) {
      if (id.startsWith(`${space}/`)) this.#reads.delete(id);
    }
    await this.#blobs.deleteSpace(space);
  }

  spaces(): Promise<string[]> {
    return this.#blobs.spaces();
  }

  #keep(id: string, content: Uint8Array | undefined): void {
    if (!content) {
      this.#reads.delete(id);
      return;
    }
    this.#reads.set(id, { content: new WeakRef(content) });
    this.#unused.register(content, id);
  }
}
