import type { Blobs } from "./blobs.ts";

/**
 * Blobs that were read lately, in memory: a model is fetched by every node of a round. What is stored
 * under a name never changes, so what is here is right for as long as anybody asks for it.
 */
export class CachedBlobs implements Blobs {
  readonly #blobs: Blobs;
  readonly #limitBytes: number;
  /** Least recently used first. */
  readonly #cache = new Map<string, Uint8Array>();
  #sizeBytes = 0;

  /** `limitBytes` bounds the memory; blobs of more than a quarter of it are not kept. */
  constructor(blobs: Blobs, limitBytes: number) {
    this.#blobs = blobs;
    this.#limitBytes = limitBytes;
  }

  async put(space: string, name: string, bytes: Uint8Array): Promise<void> {
    await this.#blobs.put(space, name, bytes);
    this.#keep(`${space}/${name}`, bytes);
  }

  async get(space: string, name: string): Promise<Uint8Array | undefined> {
    const id = `${space}/${name}`;
    const bytes = this.#cache.get(id) ?? await this.#blobs.get(space, name);
    if (bytes) this.#keep(id, bytes);
    return bytes;
  }

  async delete(space: string, name: string): Promise<void> {
    this.#drop(`${space}/${name}`);
    await this.#blobs.delete(space, name);
  }

  async deleteSpace(space: string): Promise<void> {
    for (const id of [...this.#cache.keys()]) if (id.startsWith(`${space}/`)) this.#drop(id);
    await this.#blobs.deleteSpace(space);
  }

  spaces(): Promise<string[]> {
    return this.#blobs.spaces();
  }

  /** How many bytes are kept. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  #keep(id: string, bytes: Uint8Array): void {
    this.#drop(id);
    if (bytes.length > this.#limitBytes / 4) return;
    this.#cache.set(id, bytes);
    this.#sizeBytes += bytes.length;
    for (const oldest of this.#cache.keys()) {
      if (this.#sizeBytes <= this.#limitBytes) return;
      this.#drop(oldest);
    }
  }

  #drop(id: string): void {
    this.#sizeBytes -= this.#cache.get(id)?.length ?? 0;
    this.#cache.delete(id);
  }
}
