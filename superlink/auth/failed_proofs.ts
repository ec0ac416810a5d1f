/**
 * How many proofs of a peer may fail before they are not verified any more. A verification costs a
 * millisecond of a core, and the public key that a call claims is only a hint: whoever sends garbage
 * in the name of a known key, or of a new one each time, is to spend their own share and nobody
 * else's.
 *
 * So a key that has proved itself from a host has a share of its own there, and all others of that
 * host, a proxy or an office, share one.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { hostOf, PeerLimit } from "./peer_limit.ts";
import { GONE_MS, Recent } from "./recent.ts";

/** Keys that proved themselves from a host lately, in each generation. */
const PROVED_LIMIT = 50_000;

/** Whose proofs are verified. */
export class FailedProofs {
  readonly #limit: PeerLimit;
  readonly #proved = new Recent<string, true>(PROVED_LIMIT, GONE_MS);

  constructor(perMinute: number, clock: Clock) {
    this.#limit = new PeerLimit(perMinute, clock);
  }

  /** Whether a proof of this key from `peer` (`address:port`) is worth a verification. */
  mayTry(peer: string, keyId: string): boolean {
    return this.#limit.has(this.#share(peer, keyId));
  }

  /** Takes note of a signature that did not verify. */
  failed(peer: string, keyId: string): void {
    this.#limit.take(this.#share(peer, keyId));
  }

  /** Takes note of a signature that did. */
  proved(peer: string, keyId: string): void {
    this.#proved.set(ofKey(peer, keyId), true);
  }

  #share(peer: string, keyId: string): string {
    const own = ofKey(peer, keyId);
    return this.#proved.get(own) ? own : hostOf(peer);
  }
}

function ofKey(peer: string, keyId: string): string {
  return `${hostOf(peer)} ${keyId}`;
}
