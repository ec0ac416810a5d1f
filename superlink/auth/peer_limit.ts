/**
 * How often a peer may do something that costs the SuperLink more than it costs the peer: register
 * nodes, send proofs that fail. A token bucket for each peer: it holds one minute's worth and refills
 * evenly.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { BucketRow } from "../state/layout.ts";

export const MINUTE_MICROS = 60_000_000;
/** Peers that are remembered; the ones that were quiet longest are let go, with a full bucket. */
const PEER_LIMIT = 10_000;

/** What each peer has left. */
export interface Allowance {
  /** Takes one of what `peer` has left; false when there is none. */
  take(peer: string): boolean | Promise<boolean>;
}

/** What each peer has left of what one process allows. */
export class PeerLimit implements Allowance {
  readonly #perMinute: number;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, BucketRow>();

  constructor(perMinute: number, clock: Clock) {
    this.#perMinute = perMinute;
    this.#clock = clock;
  }

  take(peer: string): boolean {
    const tokens = this.#tokensOf(peer);
    const taken = tokens >= 1;
    this.#buckets.delete(peer);
    const updatedAt = this.#clock.nowMicros();
    this.#buckets.set(peer, { tokens: taken ? tokens - 1 : tokens, updatedAt });
    if (this.#buckets.size > PEER_LIMIT) {
      const [quietest] = this.#buckets.keys();
      if (quietest !== undefined) this.#buckets.delete(quietest);
    }
    return taken;
  }

  /** Whether `peer` has one left. */
  has(peer: string): boolean {
    return this.#tokensOf(peer) >= 1;
  }

  #tokensOf(peer: string): number {
    return refilled(this.#buckets.get(peer), this.#perMinute, this.#clock.nowMicros());
  }
}

/** What a bucket holds by now; one that nobody knows is full. */
export function refilled(
  known: BucketRow | undefined,
  perMinute: number,
  nowMicros: number,
): number {
  if (!known) return perMinute;
  const elapsed = Math.max(0, nowMicros - known.updatedAt);
  return Math.min(perMinute, known.tokens + elapsed / MINUTE_MICROS * perMinute);
}

/** The host of a peer (`address:port`): its ports count together. */
export function hostOf(peer: string): string {
  return peer.slice(0, peer.lastIndexOf(":"));
}
