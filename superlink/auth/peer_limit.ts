/**
 * How often a peer may do something that costs the SuperLink more than it costs the peer: register
 * nodes, send proofs that fail. A token bucket for each peer: it holds one minute's worth and refills
 * evenly.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { dropOldest } from "../drop_oldest.ts";
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
    dropOldest(this.#buckets, PEER_LIMIT);
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

/** Whoever has one address of IPv6 has as many as a network of this length holds. */
const NETWORK_GROUPS = 4;
const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * The host of a peer (`address:port`): its ports count together, and so do the addresses of its /64 of
 * IPv6, of which a host may use any. An IPv4 address is the same in either family.
 */
export function hostOf(peer: string): string {
  const host = peer.slice(0, peer.lastIndexOf(":"));
  if (!host.includes(":")) return host;
  const address = host.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  const [, ipv4] = MAPPED_IPV4.exec(address) ?? [];
  return ipv4 ?? networkOf(address);
}

function networkOf(address: string): string {
  const [head = "", tail] = address.toLowerCase().split("::");
  const groups = (text: string) => text === "" ? [] : text.split(":");
  const first = groups(head);
  const last = groups(tail ?? "");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  return [...first, ...Array<string>(zeros).fill("0"), ...last]
    .slice(0, NETWORK_GROUPS)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":") + "::/64";
}
