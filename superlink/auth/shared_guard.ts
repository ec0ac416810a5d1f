/**
 * The guard of proofs for several SuperLinks on one database: a proof is accepted by whoever makes its
 * row, and the row stays for as long as the proof could be used.
 *
 * @module
 */

import type { GuardVerdict } from "../../keys/replay_guard.ts";
import type { Clock } from "../clock.ts";
import { commit } from "../state/commit.ts";
import { keys } from "../state/layout.ts";
import type { Adoption, ProofGuard, VerifiedProof } from "./proof_guard.ts";

/** The clocks of SuperLinks may differ by as much, in milliseconds. */
const CLOCK_SLACK_MS = 60_000;
const NO_MARK: Adoption = { addMark() {}, done() {} };

/** Proofs in a database. */
export class SharedGuard implements ProofGuard {
  readonly #kv: Deno.Kv;
  readonly #clock: Clock;
  readonly #windowMicros: number;

  /** `windowMicros`: how long a proof can be accepted after its timestamp. */
  constructor(kv: Deno.Kv, clock: Clock, windowMicros: number) {
    this.#kv = kv;
    this.#clock = clock;
    this.#windowMicros = windowMicros;
  }

  async accept({ keyId, timestampMicros, r }: VerifiedProof): Promise<GuardVerdict> {
    const key = keys.proof(keyId, r);
    const leftMicros = timestampMicros + this.#windowMicros - this.#clock.nowMicros();
    const expireIn = Math.ceil(Math.max(0, leftMicros) / 1000) + CLOCK_SLACK_MS;
    const operation = this.#kv.atomic().check({ key, versionstamp: null })
      .set(key, null, { expireIn });
    return await commit(operation) === undefined ? "seen" : "fresh";
  }

  /** A proof's row does not ask who owns its key. */
  adopt(): Adoption {
    return NO_MARK;
  }

  forget(): void {}

  prune(): void {}
}
