/**
 * Calls that are held open until there is something to answer.
 *
 * @module
 */

/** Why a hold ended without something to answer. */
export type HoldEnd = "timeout" | "gone" | "replaced" | "stopped" | "cut-off";

interface Hold {
  end(why: HoldEnd): void;
}

/**
 * The held pull of each node: one at most, because a SuperNode that pulls again has given up its
 * earlier pull. A hold costs one timer and ends by itself, at the latest after the time it was given.
 */
export class Holds {
  readonly #holds = new Map<bigint, Hold>();
  #stopped = false;

  get size(): number {
    return this.#holds.size;
  }

  /** Waits until the node's hold is ended; an older hold of the same node ends as `replaced`. */
  wait(nodeId: bigint, timeoutMs: number, gone: AbortSignal): Promise<HoldEnd> {
    this.#holds.get(nodeId)?.end("replaced");
    if (this.#stopped) return Promise.resolve("stopped");
    if (gone.aborted) return Promise.resolve("gone");
    const { promise, resolve } = Promise.withResolvers<HoldEnd>();
    const end = (why: HoldEnd) => {
      clearTimeout(timer);
      gone.removeEventListener("abort", left);
      if (this.#holds.get(nodeId) === hold) this.#holds.delete(nodeId);
      resolve(why);
    };
    const left = () => end("gone");
    const timer = setTimeout(end, timeoutMs, "timeout");
    const hold: Hold = { end };
    gone.addEventListener("abort", left);
    this.#holds.set(nodeId, hold);
    return promise;
  }

  /** Ends the node's hold, because the node is not to be answered any more. */
  cutOff(nodeId: bigint): void {
    this.#holds.get(nodeId)?.end("cut-off");
  }

  /** Ends all holds, and every later one at once: the SuperLink stops. */
  stop(): void {
    this.#stopped = true;
    for (const hold of [...this.#holds.values()]) hold.end("stopped");
  }
}
