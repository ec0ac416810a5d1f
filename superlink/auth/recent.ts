/**
 * A cache of what was used lately: an entry that nobody has asked for is let go after one to two
 * periods, so that peers which have left leave nothing behind. There are two generations, and what is
 * used moves to the younger one.
 */
export class Recent<K, V> {
  readonly #limit: number;
  readonly #periodMs: number;
  readonly #nowMs: () => number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();
  #sinceMs: number;

  /** At most `limit` entries in each generation. */
  constructor(limit: number, periodMs: number, nowMs = () => performance.now()) {
    this.#limit = limit;
    this.#periodMs = periodMs;
    this.#nowMs = nowMs;
    this.#sinceMs = nowMs();
  }

  /** How many entries there are. */
  get size(): number {
    this.#age();
    return this.#young.size + this.#old.size;
  }

  get(key: K): V | undefined {
    this.#age();
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.#young.set(key, old);
    return old;
  }

  set(key: K, value: V): void {
    this.#age();
    this.#old.delete(key);
    this.#young.set(key, value);
    if (this.#young.size > this.#limit) this.#turn();
  }

  #age(): void {
    const quietMs = this.#nowMs() - this.#sinceMs;
    if (quietMs < this.#periodMs) return;
    this.#turn();
    if (quietMs >= 2 * this.#periodMs) this.#old.clear();
  }

  #turn(): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#sinceMs = this.#nowMs();
  }
}

/** SuperNodes send a heartbeat every 30 s: one that has not for so long is gone, or must start anew. */
export const GONE_MS = 150_000;
