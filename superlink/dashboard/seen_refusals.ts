import type { Refusal } from "../auth/refusals.ts";

/** A refused call, and when it was. */
export interface SeenRefusal extends Refusal {
  /** Counted from 1 since the SuperLink started. */
  readonly number: number;
  readonly atMs: number;
}

const LIMIT = 1_000;

/** The refused calls of late, in memory: the newest thousand. */
export class SeenRefusals {
  readonly #kept: SeenRefusal[] = [];
  #count = 0;

  add(refusal: Refusal): void {
    this.#kept.push({ ...refusal, number: ++this.#count, atMs: Date.now() });
    // Half at a time: moving a thousand for each of a flood would cost more than the refusal.
    if (this.#kept.length >= 2 * LIMIT) this.#kept.splice(0, LIMIT);
  }

  /** How many there were, kept or not. */
  get count(): number {
    return this.#count;
  }

  /** Newest first. */
  list(): SeenRefusal[] {
    return this.#kept.slice(-LIMIT).reverse();
  }
}
