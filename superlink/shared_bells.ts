/**
 * Bells that are heard by every SuperLink on a shared database: to ring one is to write its row, to
 * listen is to watch it.
 *
 * A ring that is lost delays, and does no more: whoever waits looks again when its hold ends.
 *
 * @module
 */

import { type Bells, type Listener, LocalBells } from "./bells.ts";
import { commit } from "./state/commit.ts";
import { keys } from "./state/layout.ts";

/** A bell's row is of no use once everybody who listened has heard it. */
const ROW_MS = 3_600_000;

/** Bells over a database. */
export class SharedBells implements Bells {
  readonly #kv: Deno.Kv;
  /** Listeners of this process are told at once. */
  readonly #local = new LocalBells();
  readonly #ringing = new Set<Promise<void>>();

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
  }

  async listen(...names: string[]): Promise<Listener> {
    const watched = this.#kv.watch(names.map((name) => keys.bell(name))).getReader();
    const leave = () => void watched.cancel().catch(() => {});
    try {
      // The rows as they are; what comes from now on is a ring.
      await watched.read();
    } catch (error) {
      leave();
      throw error;
    }
    const listener = this.#local.listen(...names);
    listener.whenClosed(leave);
    void passOn(watched, listener);
    return listener;
  }

  ring(name: string): void {
    this.#local.ring(name);
    const written = commit(this.#kv.atomic().set(keys.bell(name), null, { expireIn: ROW_MS }))
      .then(() => {}, () => {})
      .finally(() => this.#ringing.delete(written));
    this.#ringing.add(written);
  }

  stop(): void {
    this.#local.stop();
  }

  get size(): number {
    return this.#local.size;
  }

  /** Comes back when what was rung so far is written. */
  async settled(): Promise<void> {
    await Promise.all(this.#ringing);
  }
}

async function passOn(
  watched: ReadableStreamDefaultReader<unknown>,
  listener: Listener,
): Promise<void> {
  try {
    while (!(await watched.read()).done) listener.end("rung");
  } catch {
    // The database broke off the watch: the wait ends with its time.
  }
}
