import { addRound, newRound, type Round } from "./round.ts";

/** Rounds of a phase that are kept; a run with more has plots of its first ones. */
export const MAX_ROUNDS = 2_000;

/** A round, and which one it is. */
export interface NumberedRound {
  readonly phase: string;
  readonly number: number;
  readonly round: Round;
}

/** The rounds of one run, by phase. */
export class RoundsOfRun {
  readonly #phases = new Map<string, Map<number, Round>>();
  readonly #dirty = new Set<Round>();
  #current: NumberedRound | undefined;

  /** The round that changed last; without any change, the newest one. */
  get current(): NumberedRound | undefined {
    if (this.#current) return this.#current;
    return [...this.all()].reduce<NumberedRound | undefined>(
      (newest, each) => newest && newest.number > each.number ? newest : each,
      undefined,
    );
  }

  /** Changes a round, unless there are too many. */
  change(phase: string, number: number, change: (round: Round) => void): void {
    const round = this.#round(phase, number);
    if (!round) return;
    change(round);
    this.#dirty.add(round);
    this.#current = { phase, number, round };
  }

  /** Adds what is on disk of a round. */
  restore(phase: string, number: number, stored: Round): void {
    const round = this.#round(phase, number);
    if (round) addRound(round, stored);
  }

  /** The newest round of a phase; 0 when there is none. */
  newest(phase: string): number {
    let newest = 0;
    for (const number of this.#phases.get(phase)?.keys() ?? []) newest = Math.max(newest, number);
    return newest;
  }

  /** All rounds: training first, as in a round, and those of a phase in order. */
  *all(): Generator<NumberedRound> {
    const isTrain = ([phase]: readonly [string, unknown]) => Number(phase === "train");
    for (const [phase, rounds] of [...this.#phases].sort((a, b) => isTrain(b) - isTrain(a))) {
      for (const [number, round] of [...rounds].sort(([a], [b]) => a - b)) {
        yield { phase, number, round };
      }
    }
  }

  /** Whether something is not on disk. */
  get isDirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** Has `write` write what is not on disk. */
  async write(write: (round: NumberedRound) => Promise<unknown>): Promise<void> {
    for (const each of [...this.all()].filter(({ round }) => this.#dirty.has(round))) {
      // It may change while it is written.
      this.#dirty.delete(each.round);
      try {
        await write(each);
      } catch (error) {
        this.#dirty.add(each.round);
        throw error;
      }
    }
  }

  #round(phase: string, number: number): Round | undefined {
    const rounds = this.#phases.get(phase) ?? new Map<number, Round>();
    this.#phases.set(phase, rounds);
    const known = rounds.get(number);
    if (known || rounds.size >= MAX_ROUNDS) return known;
    const round = newRound();
    rounds.set(number, round);
    return round;
  }
}
