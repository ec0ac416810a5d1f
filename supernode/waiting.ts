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
