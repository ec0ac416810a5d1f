/**
 * Asks after runs that have got no message for a while, because what is kept for their next message
 * is to end when they do. A SuperLink does not tell.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { isOver, type NodeRuns, type RunCalls } from "./node_runs.ts";

/** What the asking depends on. */
export interface IdleRunsOptions {
  readonly fleet: RunCalls;
  readonly runs: NodeRuns;
  readonly clock: Clock;
  /** Told of a run that does not run any more. */
  readonly runOver: (runId: bigint) => void;
}

/** A run is asked after once it has got no message for so long. */
const ASK_AFTER_MS = 10_000;

/** The runs of which no message is in hand. */
export class IdleRuns implements Disposable {
  readonly #options: IdleRunsOptions;
  readonly #inHand = new Map<bigint, number>();
  readonly #asking = new Map<bigint, AbortController>();

  constructor(options: IdleRunsOptions) {
    this.#options = options;
  }

  /** A message of the run is in hand until what this gives is called. */
  working(runId: bigint): () => void {
    this.#stop(runId);
    this.#inHand.set(runId, (this.#inHand.get(runId) ?? 0) + 1);
    return () => {
      const left = (this.#inHand.get(runId) ?? 0) - 1;
      if (left > 0) this.#inHand.set(runId, left);
      else {
        this.#inHand.delete(runId);
        void this.#ask(runId);
      }
    };
  }

  /** Asks no more. */
  [Symbol.dispose](): void {
    for (const runId of [...this.#asking.keys()]) this.#stop(runId);
  }

  async #ask(runId: bigint): Promise<void> {
    const { fleet, runs, clock, runOver } = this.#options;
    // Nothing is kept for apps in Python, and no request is made in vain.
    if (runs.get(runId)?.runtime !== "typescript") return;
    const asking = new AbortController();
    this.#asking.set(runId, asking);
    await clock.sleep(ASK_AFTER_MS, asking.signal);
    if (asking.signal.aborted) return;
    if (await isOver(fleet, runs.nodeId, runId, asking.signal)) runOver(runId);
    if (this.#asking.get(runId) === asking) this.#asking.delete(runId);
  }

  #stop(runId: bigint): void {
    this.#asking.get(runId)?.abort();
    this.#asking.delete(runId);
  }
}
