/**
 * The marks of the replay guard on disk: for each key a time up to which its proofs may have been
 * accepted. After a restart nothing at or below the mark can be judged.
 *
 * A mark is written ahead of the proofs that it covers, so a key needs at most one write in
 * {@linkcode AHEAD_MICROS}; marks that are due at once go to disk in one commit.
 *
 * @module
 */

import { StatusError } from "../../wire/status.ts";
import { commit } from "./commit.ts";
import { keys } from "./layout.ts";

/** How far a mark is set ahead of the proof that passes it, in microseconds. */
export const AHEAD_MICROS = 2_000_000;

/** The most marks in one commit: Deno KV takes 1,000 mutations. */
const BATCH_LIMIT = 500;

/** Reads and raises marks. */
export class Marks {
  readonly #kv: Deno.Kv;
  /** What this process has written. A key that is not here has not called since the start. */
  readonly #written = new Map<string, number>();
  #due = new Map<string, number>();
  /** Keys whose node is being or was lately unregistered: a mark would outlive it. */
  #ended = new Set<string>();
  #endedBefore = new Set<string>();
  #batch: Promise<void> | undefined;

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
  }

  /** The mark that an earlier process left for the key, in microseconds, if it may still matter. */
  async before(keyId: string): Promise<number | undefined> {
    if (this.#written.has(keyId)) return undefined;
    return (await this.#kv.get<number>(keys.mark(keyId))).value ?? undefined;
  }

  /**
   * Comes back once the disk has a mark for the key that covers the timestamp. Throws a `StatusError`
   * when it cannot have one.
   */
  async cover(keyId: string, timestampMicros: number): Promise<void> {
    while (timestampMicros > (this.#written.get(keyId) ?? Number.NEGATIVE_INFINITY)) {
      if (this.#ended.has(keyId) || this.#endedBefore.has(keyId)) {
        throw new StatusError("UNAVAILABLE", "The SuperNode is being unregistered.");
      }
      const mark = this.covering(timestampMicros);
      this.#due.set(keyId, Math.max(mark, this.#due.get(keyId) ?? mark));
      await (this.#batch ??= this.#writeBatch());
    }
  }

  /** The mark that covers a proof, for a commit of somebody else's. */
  covering(timestampMicros: number): number {
    return timestampMicros + AHEAD_MICROS;
  }

  /** Takes note of a mark that somebody else's commit has put on disk. */
  written(keyId: string, markMicros: number): void {
    this.#written.set(keyId, markMicros);
  }

  /**
   * Runs the commit that unregisters the key's node and deletes its mark, while no mark of the key is
   * written: a call that is under way would bring it back.
   */
  async whileEnding<T>(keyId: string, task: () => Promise<T>): Promise<T> {
    this.#ended.add(keyId);
    this.#due.delete(keyId);
    try {
      await this.#batch?.catch(() => {});
      const result = await task();
      this.#written.delete(keyId);
      return result;
    } catch (error) {
      this.#ended.delete(keyId);
      throw error;
    }
  }

  /** Lets go of marks that the window has left behind; the disk still has them. */
  prune(oldestMicros: number): void {
    for (const [keyId, mark] of this.#written) {
      if (mark < oldestMicros) this.#written.delete(keyId);
    }
    // Calls that were under way when the node was unregistered are over by the next time.
    [this.#endedBefore, this.#ended] = [this.#ended, new Set()];
  }

  async #writeBatch(): Promise<void> {
    // The calls of this turn of the event loop share the commit.
    await Promise.resolve();
    const batch = [...this.#due].slice(0, BATCH_LIMIT);
    for (const [keyId] of batch) this.#due.delete(keyId);
    try {
      const operation = this.#kv.atomic();
      for (const [keyId, mark] of batch) operation.set(keys.mark(keyId), mark);
      await commit(operation);
      for (const [keyId, mark] of batch) this.#written.set(keyId, mark);
    } finally {
      this.#batch = undefined;
    }
  }
}
