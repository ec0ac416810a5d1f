/**
 * Time as the SuperNode's rules see it: a parameter, so that tests need not wait.
 *
 * @module
 */

/** Milliseconds that never jump, and a way to wait for them. */
export interface Clock {
  /** Milliseconds since an arbitrary start. */
  nowMs(): number;
  /** Waits `ms` milliseconds, or less when `signal` aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's own monotonic clock. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  sleep(ms, signal) {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener("abort", done);
    });
  },
};
