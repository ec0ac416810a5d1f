import type { UsedNonces } from "../../apps/runtime/superexec_auth.ts";
import type { Clock } from "../clock.ts";
import { commit } from "../state/commit.ts";
import { keys } from "../state/layout.ts";

/** The clocks of SuperLinks may differ by as much, in milliseconds. */
const CLOCK_SLACK_MS = 60_000;

/** The nonces that SuperExecs used, for several SuperLinks on one database: a row for each. */
export class SharedNonces implements UsedNonces {
  /** The rows outlive every process. */
  readonly unknownUntilS = Number.NEGATIVE_INFINITY;
  readonly #kv: Deno.Kv;
  readonly #clock: Clock;

  constructor(kv: Deno.Kv, clock: Clock) {
    this.#kv = kv;
    this.#clock = clock;
  }

  async use(nonce: string, untilS: number): Promise<boolean> {
    const key = keys.nonce(nonce);
    const leftMs = Math.max(0, untilS * 1000 - this.#clock.nowMicros() / 1000);
    const operation = this.#kv.atomic().check({ key, versionstamp: null })
      .set(key, null, { expireIn: Math.ceil(leftMs) + CLOCK_SLACK_MS });
    return await commit(operation) !== undefined;
  }
}
