import type { Clock } from "../clock.ts";
import { commit, Contention } from "../state/commit.ts";
import { type BucketRow, keys } from "../state/layout.ts";
import { untilUncontended } from "../state/transitions.ts";
import { type Allowance, MINUTE_MICROS, refilled } from "./peer_limit.ts";

/** What hosts may still register, for several SuperLinks on one database. */
export class SharedRegistrationLimit implements Allowance {
  readonly #kv: Deno.Kv;
  readonly #perMinute: number;
  readonly #clock: Clock;

  constructor(kv: Deno.Kv, perMinute: number, clock: Clock) {
    this.#kv = kv;
    this.#perMinute = perMinute;
    this.#clock = clock;
  }

  async take(host: string): Promise<boolean> {
    const key = keys.registrations(host);
    return await untilUncontended(async () => {
      const found = await this.#kv.get<BucketRow>(key);
      const now = this.#clock.nowMicros();
      const tokens = refilled(found.value ?? undefined, this.#perMinute, now);
      if (tokens < 1) return false;
      const bucket: BucketRow = { tokens: tokens - 1, updatedAt: now };
      // After a minute it would be full again.
      const operation = this.#kv.atomic().check(found)
        .set(key, bucket, { expireIn: MINUTE_MICROS / 1000 });
      if (await commit(operation) === undefined) throw new Contention("A host's registrations");
      return true;
    });
  }
}
