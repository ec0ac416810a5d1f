/**
 * What the last instruction of each run was made of, for the next one: after an evaluation comes a
 * training of the same model, which need not travel twice.
 *
 * @module
 */

interface Kept {
  readonly runId: bigint;
  readonly content: Uint8Array;
}

/** Contents of objects that no message holds, by whatever key the objects have. */
export class KeptObjects {
  readonly #limitBytes: number;
  /** Those that were kept first come first. */
  readonly #objects = new Map<string, Kept>();
  #sizeBytes = 0;

  /** Keeps up to `limitBytes`, of the runs that were last heard of. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** The sum of all contents. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Keeps these contents of a run, and no others of it. */
  keep(runId: bigint, contents: Iterable<readonly [key: string, content: Uint8Array]>): void {
    for (const [key, kept] of this.#objects) if (kept.runId === runId) this.take(key);
    for (const [key, content] of contents) {
      this.#objects.set(key, { runId, content });
      this.#sizeBytes += content.length;
    }
    this.shrinkTo(this.#limitBytes);
  }

  /** Gives a content away. */
  take(key: string): Uint8Array | undefined {
    const kept = this.#objects.get(key);
    if (!kept) return undefined;
    this.#objects.delete(key);
    this.#sizeBytes -= kept.content.length;
    return kept.content;
  }

  /** Forgets the oldest until no more than `sizeBytes` are left. */
  shrinkTo(sizeBytes: number): void {
    for (const key of this.#objects.keys()) {
      if (this.#sizeBytes <= sizeBytes) return;
      this.take(key);
    }
  }
}
