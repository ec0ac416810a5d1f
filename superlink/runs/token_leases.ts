import { commit, Contention } from "../state/commit.ts";
import { keys, type TokenRow } from "../state/layout.ts";
import type { Awaitable } from "../objects/objects.ts";
import { untilUncontended } from "../state/transitions.ts";

/** Until when the tokens of apps hold, by their hashes; times are microseconds. */
export interface TokenLeases {
  /** The run of a token that holds. */
  runOf(tokenHash: string, nowMicros: number): Promise<bigint | undefined>;
  /** Renews a lease that has not ended, in one step; false when it has. */
  renew(tokenHash: string, nowMicros: number, untilMicros: number): Awaitable<boolean>;
  /** When the lease ends or ended; not known of a token that nobody holds. */
  until(tokenHash: string): Awaitable<number | undefined>;
  /** The row for the commit that gives a token. */
  row(runId: bigint, untilMicros: number): TokenRow;
  /** That commit has held. */
  given(tokenHash: string, untilMicros: number): void;
  /** The token was handed in. */
  taken(tokenHash: string): void;
}

/** In memory: a start grants each app a new lease. */
export class LocalTokenLeases implements TokenLeases {
  readonly #kv: Deno.Kv;
  readonly #until = new Map<string, number>();

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
  }

  async runOf(tokenHash: string, nowMicros: number): Promise<bigint | undefined> {
    if ((this.#until.get(tokenHash) ?? 0) <= nowMicros) return undefined;
    return (await this.#kv.get<TokenRow>(keys.token(tokenHash))).value?.runId;
  }

  renew(tokenHash: string, nowMicros: number, untilMicros: number): boolean {
    if ((this.#until.get(tokenHash) ?? 0) <= nowMicros) return false;
    this.#until.set(tokenHash, untilMicros);
    return true;
  }

  until(tokenHash: string): number | undefined {
    return this.#until.get(tokenHash);
  }

  row(runId: bigint): TokenRow {
    return { runId };
  }

  given(tokenHash: string, untilMicros: number): void {
    this.#until.set(tokenHash, untilMicros);
  }

  taken(tokenHash: string): void {
    this.#until.delete(tokenHash);
  }
}

/** In the rows of tokens, for several SuperLinks on one database. */
export class SharedTokenLeases implements TokenLeases {
  readonly #kv: Deno.Kv;

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
  }

  async runOf(tokenHash: string, nowMicros: number): Promise<bigint | undefined> {
    const { value } = await this.#kv.get<TokenRow>(keys.token(tokenHash));
    return value && (value.heldUntil ?? 0) > nowMicros ? value.runId : undefined;
  }

  renew(tokenHash: string, nowMicros: number, untilMicros: number): Promise<boolean> {
    const key = keys.token(tokenHash);
    return untilUncontended(async () => {
      const found = await this.#kv.get<TokenRow>(key);
      if (found.value === null || (found.value.heldUntil ?? 0) <= nowMicros) return false;
      const renewed: TokenRow = { ...found.value, heldUntil: untilMicros };
      const operation = this.#kv.atomic().check(found).set(key, renewed);
      if (await commit(operation) === undefined) throw new Contention("A token");
      return true;
    });
  }

  async until(tokenHash: string): Promise<number | undefined> {
    return (await this.#kv.get<TokenRow>(keys.token(tokenHash))).value?.heldUntil;
  }

  row(runId: bigint, untilMicros: number): TokenRow {
    return { runId, heldUntil: untilMicros };
  }

  given(): void {}

  taken(): void {}
}
