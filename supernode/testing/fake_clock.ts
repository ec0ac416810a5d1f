import type { Clock } from "../clock.ts";

interface Sleeper {
  readonly ms: number;
  readonly untilMs: number;
  wake(): void;
}

/** A {@linkcode Clock} that stands still until a test lets the next sleeper wake. */
export class FakeClock implements Clock {
  #nowMs = 0;
  #sleepers: Sleeper[] = [];
  #arrival = Promise.withResolvers<void>();

  nowMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper: Sleeper = {
        ms,
        untilMs: this.#nowMs + ms,
        wake: () => {
          this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
          signal?.removeEventListener("abort", sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", sleeper.wake);
      this.#arrival.resolve();
    });
  }

  /**
   * Waits until somebody sleeps, wakes all who are due first, and gives the length of that sleep.
   * Before and after, everybody else gets as far as they can without waiting for time or a socket.
   */
  async tick(): Promise<number> {
    await settled();
    while (this.#sleepers.length === 0) {
      this.#arrival = Promise.withResolvers<void>();
      await this.#arrival.promise;
    }
    const next = this.#sleepers.reduce((a, b) => b.untilMs < a.untilMs ? b : a);
    this.#nowMs = next.untilMs;
    for (const sleeper of this.#sleepers.filter(({ untilMs }) => untilMs <= this.#nowMs)) {
      sleeper.wake();
    }
    await settled();
    return next.ms;
  }
}

/** A turn of the event loop, after which all promises that can settle have. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
