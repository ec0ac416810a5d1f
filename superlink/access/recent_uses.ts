import type { Clock } from "../clock.ts";

/** How long a use counts as going on: one line of the audit log for each such time. */
const USE_MICROS = 600_000_000;
/** Uses that are remembered; the ones that began first are let go. */
const USE_LIMIT = 10_000;

/** Tells the first of many uses, so that a program that asks each second does not fill a log. */
export class RecentUses {
  readonly #clock: Clock;
  readonly #begun = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether this use is the first in ten minutes. */
  isNew(use: string): boolean {
    const now = this.#clock.nowMicros();
    if (now < (this.#begun.get(use) ?? -Infinity) + USE_MICROS) return false;
    this.#begun.delete(use);
    this.#begun.set(use, now);
    if (this.#begun.size > USE_LIMIT) {
      const [first] = this.#begun.keys();
      if (first !== undefined) this.#begun.delete(first);
    }
    return true;
  }
}
