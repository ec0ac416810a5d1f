/**
 * Remembers which proofs of possession were seen, so that each is accepted once.
 *
 * A proof is known by its key, its timestamp and the integer r of its signature: whoever captures a
 * proof can make one other signature that verifies, (r, n-s), and it has the same r. Two calls of one
 * node may carry the same timestamp (coarse clocks, several threads), so the timestamp alone would
 * refuse honest calls.
 *
 * Memory: 16 bytes a proof. Only the low 52 bits of r are kept; should two honest proofs of one key
 * and one microsecond ever agree in them, the second is asked to sign again, which costs nothing.
 *
 * @module
 */

/** What the guard says of a proof. `seen` and `too-old` mean: sign again (`UNAVAILABLE`). */
export type GuardVerdict = "fresh" | "seen" | "too-old";

/** Bounds of a {@linkcode ReplayGuard}. */
export interface ReplayGuardOptions {
  /** How long a proof can be accepted after its timestamp, in microseconds. */
  readonly windowMicros: number;
  /** The most proofs that are remembered for a key before its mark rises. */
  readonly shareLimit?: number;
  /** The most keys without a node of which proofs are remembered. */
  readonly strangerLimit?: number;
  /** Proofs of any key at or below this timestamp cannot be judged (a state that was lost). */
  readonly floorMicros?: number;
}

const R_BITS = 52;
const SHARE_LIMIT = 4096;
const STRANGER_LIMIT = 1024;
const STRANGER_SHARE_LIMIT = 16;

/** The window of proofs that were seen, for every key, in memory. */
export class ReplayGuard {
  /** How long a proof can be accepted after its timestamp, in microseconds. */
  readonly windowMicros: number;
  readonly #shareLimit: number;
  readonly #strangerLimit: number;
  readonly #floorMicros: number;
  readonly #owners = new Map<string, Share>();
  /** Keys that own no node, least recently seen first. */
  readonly #strangers = new Map<string, Share>();

  constructor(options: ReplayGuardOptions) {
    this.windowMicros = options.windowMicros;
    this.#shareLimit = options.shareLimit ?? SHARE_LIMIT;
    this.#strangerLimit = options.strangerLimit ?? STRANGER_LIMIT;
    this.#floorMicros = options.floorMicros ?? Number.NEGATIVE_INFINITY;
  }

  /**
   * Tests a proof whose signature has verified, and remembers it, in one synchronous step.
   *
   * @param keyId The key's identity.
   * @param owner Whether the key owns a node.
   * @param timestampMicros The signed timestamp, in microseconds since the epoch.
   * @param r The r of the signature.
   * @param markMicros What the disk says: proofs at or below it may have been seen before a restart.
   */
  accept(
    keyId: string,
    owner: boolean,
    timestampMicros: number,
    r: bigint,
    markMicros = Number.NEGATIVE_INFINITY,
  ): GuardVerdict {
    const share = owner ? this.#ownersShare(keyId) : this.#strangersShare(keyId);
    share.raiseMark(Math.max(this.#floorMicros, markMicros));
    const limit = owner ? this.#shareLimit : STRANGER_SHARE_LIMIT;
    return share.accept(timestampMicros, Number(BigInt.asUintN(R_BITS, r)), limit);
  }

  /**
   * Takes note that a key has come to own a node by a proof with this timestamp: neither that proof
   * nor an older one is judged again, not even when others' calls pushed the key out of memory before.
   */
  adopt(keyId: string, timestampMicros: number): void {
    this.#ownersShare(keyId).raiseMark(timestampMicros);
  }

  /** Forgets a key whose proofs can never be accepted again. */
  forget(keyId: string): void {
    this.#owners.delete(keyId);
    this.#strangers.delete(keyId);
  }

  /** Lets go of the proofs that the window has left behind. */
  prune(nowMicros: number): void {
    const oldest = nowMicros - this.windowMicros;
    for (const shares of [this.#owners, this.#strangers]) {
      for (const [keyId, share] of shares) {
        share.dropOlderThan(oldest);
        if (share.isSpent(oldest)) shares.delete(keyId);
      }
    }
  }

  /** How many proofs are remembered, for all keys. */
  get size(): number {
    let size = 0;
    for (const shares of [this.#owners, this.#strangers]) {
      for (const share of shares.values()) size += share.size;
    }
    return size;
  }

  #ownersShare(keyId: string): Share {
    const known = this.#owners.get(keyId);
    if (known) return known;
    // A key that has just been registered keeps what was seen of it before.
    const share = this.#strangers.get(keyId) ?? new Share();
    this.#strangers.delete(keyId);
    this.#owners.set(keyId, share);
    return share;
  }

  #strangersShare(keyId: string): Share {
    const share = this.#strangers.get(keyId) ?? new Share();
    this.#strangers.delete(keyId);
    this.#strangers.set(keyId, share);
    if (this.#strangers.size > this.#strangerLimit) {
      const [leastRecent] = this.#strangers.keys();
      if (leastRecent !== undefined) this.#strangers.delete(leastRecent);
    }
    return share;
  }
}

/** The proofs of one key: parallel arrays, ascending by timestamp, live from `#start` to `#end`. */
class Share {
  #timestamps = new Float64Array(8);
  #rs = new Float64Array(8);
  #start = 0;
  #end = 0;
  #mark = Number.NEGATIVE_INFINITY;

  get size(): number {
    return this.#end - this.#start;
  }

  raiseMark(micros: number): void {
    if (micros > this.#mark) this.#mark = micros;
  }

  accept(timestamp: number, r: number, limit: number): GuardVerdict {
    // Proofs mostly arrive in the order of their timestamps, so the place is near the end.
    let place = this.#end;
    while (place > this.#start && this.#at(this.#timestamps, place - 1) >= timestamp) {
      place--;
      if (this.#at(this.#timestamps, place) === timestamp && this.#at(this.#rs, place) === r) {
        return "seen";
      }
    }
    if (timestamp <= this.#mark) return "too-old";
    this.#insert(place, timestamp, r);
    if (this.size > limit) {
      this.raiseMark(this.#at(this.#timestamps, this.#start));
      this.#start++;
    }
    return "fresh";
  }

  dropOlderThan(micros: number): void {
    while (this.#start < this.#end && this.#at(this.#timestamps, this.#start) < micros) {
      this.#start++;
    }
  }

  /** Nothing is remembered, and what the mark says is behind the window too. */
  isSpent(oldestMicros: number): boolean {
    return this.size === 0 && this.#mark < oldestMicros;
  }

  #insert(place: number, timestamp: number, r: number): void {
    if (this.#end === this.#timestamps.length) place = this.#makeRoom(place);
    this.#timestamps.copyWithin(place + 1, place, this.#end);
    this.#rs.copyWithin(place + 1, place, this.#end);
    this.#timestamps[place] = timestamp;
    this.#rs[place] = r;
    this.#end++;
  }

  /** Moves the live part to the front of arrays that have room behind it; gives the moved place. */
  #makeRoom(place: number): number {
    const live = this.size;
    const capacity = Math.max(8, live * 2);
    const timestamps = new Float64Array(capacity);
    const rs = new Float64Array(capacity);
    timestamps.set(this.#timestamps.subarray(this.#start, this.#end));
    rs.set(this.#rs.subarray(this.#start, this.#end));
    [this.#timestamps, this.#rs] = [timestamps, rs];
    const moved = place - this.#start;
    [this.#start, this.#end] = [0, live];
    return moved;
  }

  #at(values: Float64Array, index: number): number {
    return values[index] ?? Number.NaN;
  }
}
