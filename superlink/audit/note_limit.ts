/**
 * How many lines what nobody waits for may have: what comes faster is counted, by what it is, and
 * told in one line for many. So a flood of refused calls fills no disk.
 *
 * @module
 */

import type { AuditEntry } from "./audit.ts";

/** A rate: so many at once, and so many in a second from then on. */
export interface NoteRate {
  readonly burst: number;
  readonly perSecond: number;
}

/** Refusals: at most 15 MB a day or so, with what is counted. */
const REFUSALS: NoteRate = { burst: 60, perSecond: 0.25 };
/** What nodes and runs do: each took a commit. */
const EVENTS: NoteRate = { burst: 5_000, perSecond: 10 };
/** Kinds that are counted apart; the others are counted together. */
const MAX_KINDS = 16;

/** What was counted instead of kept. */
export interface Counted {
  readonly entry: AuditEntry;
  readonly count: number;
}

/** Decides which notes have a line. */
export class NoteLimit {
  readonly #refusals = new Bucket(REFUSALS);
  readonly #events = new Bucket(EVENTS);
  #counted = new Map<string, { entry: AuditEntry; count: number }>();

  /** Whether the note has a line of its own; otherwise it is counted. */
  take(entry: AuditEntry, nowMicros: number): boolean {
    const bucket = entry.outcome === "refused" ? this.#refusals : this.#events;
    if (bucket.take(nowMicros)) return true;
    this.count(entry);
    return false;
  }

  /** Counts a note that cannot have a line. */
  count({ action, outcome, reason }: AuditEntry): void {
    const kind = JSON.stringify([action, outcome, reason]);
    const known = this.#counted.get(kind);
    if (known) {
      known.count++;
      return;
    }
    if (this.#counted.size < MAX_KINDS) {
      const more = reason === undefined ? {} : { reason };
      const entry = { who: {}, action, subject: {}, outcome, ...more };
      this.#counted.set(kind, { entry, count: 1 });
      return;
    }
    const others = { who: {}, action: "other", subject: {}, outcome };
    const of = this.#counted.get(outcome);
    if (of) of.count++;
    else this.#counted.set(outcome, { entry: others, count: 1 });
  }

  /** Gives what was counted, and begins anew. */
  takeCounted(): Counted[] {
    const counted = [...this.#counted.values()];
    this.#counted = new Map();
    return counted;
  }

  /** Whether anything was counted. */
  get hasCounted(): boolean {
    return this.#counted.size > 0;
  }
}

class Bucket {
  readonly #rate: NoteRate;
  #tokens: number;
  #atMicros = Number.NEGATIVE_INFINITY;

  constructor(rate: NoteRate) {
    this.#rate = rate;
    this.#tokens = rate.burst;
  }

  take(nowMicros: number): boolean {
    const { burst, perSecond } = this.#rate;
    // A clock that is set back gives nothing, and takes nothing.
    const passedS = Math.max(0, nowMicros - this.#atMicros) / 1_000_000;
    this.#atMicros = nowMicros;
    this.#tokens = Math.min(burst, this.#tokens + passedS * perSecond);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
