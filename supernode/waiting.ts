/**
 * Waits that end early.
 *
 * @module
 */

import type { Clock } from "./clock.ts";

/** Waits for `work`, but no longer than until `signal` aborts. Throws what `work` throws. */
export async function untilAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const abort = () => resolve();
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Waits for `work`, but no longer than `ms` milliseconds and not after `signal` aborts. */
export async function within(
  work: Promise<unknown>,
  ms: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const done = new AbortController();
  const finish = () => done.abort();
  const over = clock.sleep(ms, done.signal);
  work.then(finish, finish);
  await untilAborted(over, signal);
  finish();
}

/** Wakes those who wait for something to change. */
export class Bell {
  readonly #waiting = new Set<() => void>();

  ring(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Waits for the next ring, at most `waitMs`; less when `signal` aborts. */
  async wait(waitMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
    const rung = new AbortController();
    const wake = () => rung.abort();
    this.#waiting.add(wake);
    await clock.sleep(waitMs, AbortSignal.any([signal, rung.signal]));
    this.#waiting.delete(wake);
  }
}
