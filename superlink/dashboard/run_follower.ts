/**
 * Follows the logs of runs that somebody looks at, a piece at a time.
 *
 * @module
 */

import type { Runs } from "../runs/runs.ts";
import { dropOldest } from "../drop_oldest.ts";
import { type Progress, ProgressReader } from "./run_progress.ts";

/** Runs that are remembered; those that nobody asked for longest are let go. */
const RUN_LIMIT = 300;
/** Chunks of a log that are read for one question; the next goes on from there. */
const CHUNKS_AT_ONCE = 400;

interface Followed {
  readonly reader: ProgressReader;
  cursor: number;
  /** Nobody else reads on meanwhile. */
  turn: Promise<void>;
}

/** What the logs of runs say of their progress. */
export class RunFollower {
  readonly #runs: Pick<Runs, "logs">;
  readonly #followed = new Map<bigint, Followed>();

  constructor(runs: Pick<Runs, "logs">) {
    this.#runs = runs;
  }

  /** What a run's log says by now. */
  async progress(runId: bigint): Promise<Progress> {
    const followed = this.#followed.get(runId) ??
      { reader: new ProgressReader(), cursor: 0, turn: Promise.resolve() };
    this.#followed.delete(runId);
    this.#followed.set(runId, followed);
    dropOldest(this.#followed, RUN_LIMIT);
    followed.turn = followed.turn.then(() => this.#readOn(runId, followed));
    await followed.turn;
    return followed.reader.progress;
  }

  async #readOn(runId: bigint, followed: Followed): Promise<void> {
    // One that cannot be read now is read the next time.
    const chunks = await this.#runs.logs.after(runId, followed.cursor, CHUNKS_AT_ONCE)
      .catch(() => []);
    for (const { text } of chunks) followed.reader.read(text);
    followed.cursor = chunks.at(-1)?.at ?? followed.cursor;
  }
}
