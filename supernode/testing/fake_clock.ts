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

  /** Waits until somebody sleeps, wakes who is due first, and gives the length of that sleep. */
  async tick(): Promise<number> {
    while (this.#sleepers.length === 0) {
      this.#arrival = Promise.withResolvers<void>();
      await this.#arrival.promise;
    }
    const next = this.#sleepers.reduce((a, b) => b.untilMs < a.untilMs ? b : a);
    this.#nowMs = next.untilMs;
    next.wake();
    return next.ms;
  }
}
