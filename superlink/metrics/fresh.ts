/** Something that costs to look up: looked up again only when it is asked for and old. */
export class Fresh<T> {
  readonly #look: () => Promise<T>;
  readonly #minAgeMs: number;
  #found: Promise<T> | undefined;
  #staleAtMs = 0;

  /**
   * `minAgeMs` is how old an answer may be. One that took long to find may be ten times as old as that
   * took, so that whoever asks for it all the time costs a tenth of a processor at most.
   */
  constructor(look: () => Promise<T>, minAgeMs: number) {
    this.#look = look;
    this.#minAgeMs = minAgeMs;
  }

  get(): Promise<T> {
    const startMs = performance.now();
    if (this.#found && startMs < this.#staleAtMs) return this.#found;
    this.#staleAtMs = Infinity;
    const found = this.#look();
    this.#found = found;
    const settled = () => {
      const nowMs = performance.now();
      this.#staleAtMs = nowMs + Math.max(this.#minAgeMs, 10 * (nowMs - startMs));
    };
    found.then(settled, () => {
      this.#found = undefined;
    });
    return found;
  }

  /** Looks again the next time: what was found is known to be wrong. */
  forget(): void {
    this.#found = undefined;
  }
}
