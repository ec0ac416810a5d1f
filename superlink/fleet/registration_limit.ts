/**
 * How many nodes a peer may register by itself, so that strangers cannot grow the state without
 * bound. A token bucket for each peer's host: it holds one minute's worth and refills evenly.
 *
 * @module
 */

import type { Clock } from "../clock.ts";

const MINUTE_MICROS = 60_000_000;
/** Hosts that are remembered; the ones that were quiet longest are let go, with a full bucket. */
const HOST_LIMIT = 10_000;

interface Bucket {
  tokens: number;
  updatedAt: number;
}

/** The registrations that each peer has left. */
export class RegistrationLimit {
  readonly #perMinute: number;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(perMinute: number, clock: Clock) {
    this.#perMinute = perMinute;
    this.#clock = clock;
  }

  /** Takes one registration of `peer` (`address:port`); false when it has none left. */
  take(peer: string): boolean {
    const host = peer.slice(0, peer.lastIndexOf(":"));
    const now = this.#clock.nowMicros();
    const known = this.#buckets.get(host);
    const elapsed = known ? Math.max(0, now - known.updatedAt) : 0;
    const refilled = (known?.tokens ?? this.#perMinute) + elapsed / MINUTE_MICROS * this.#perMinute;
    const tokens = Math.min(this.#perMinute, refilled);
    const taken = tokens >= 1;
    this.#buckets.delete(host);
    this.#buckets.set(host, { tokens: taken ? tokens - 1 : tokens, updatedAt: now });
    if (this.#buckets.size > HOST_LIMIT) {
      const [quietest] = this.#buckets.keys();
      if (quietest !== undefined) this.#buckets.delete(quietest);
    }
    return taken;
  }
}
