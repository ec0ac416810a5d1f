import type { Clock } from "../clock.ts";

/** A clock that stands still until a test moves it. */
export class TestClock implements Clock {
  micros: number;

  constructor(micros = Date.now() * 1000) {
    this.micros = micros;
  }

  nowMicros(): number {
    return this.micros;
  }

  /** Moves it, also back. */
  advance({ seconds = 0, micros = 0 }: { seconds?: number; micros?: number }): void {
    this.micros += Math.round(seconds * 1_000_000) + micros;
  }
}
