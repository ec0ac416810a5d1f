import { dropOldest } from "./drop_oldest.ts";

/** Subjects that are remembered; the ones that were told of longest ago are forgotten first. */
const LIMIT = 10_000;

/** Tells of each subject at most once in a period, for what happens again and again. */
export class Seldom<Subject> {
  readonly #period: number;
  readonly #toldAt = new Map<Subject, number>();

  /** `period` is in the unit of the times that are given to {@linkcode Seldom.isDue}. */
  constructor(period: number) {
    this.#period = period;
  }

  /** Whether it is to be told of now, and takes note of it. */
  isDue(subject: Subject, now: number): boolean {
    const toldAt = this.#toldAt.get(subject);
    if (toldAt !== undefined && now - toldAt < this.#period) return false;
    this.#toldAt.delete(subject);
    this.#toldAt.set(subject, now);
    dropOldest(this.#toldAt, LIMIT);
    return true;
  }
}
