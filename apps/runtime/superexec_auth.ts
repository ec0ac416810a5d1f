/**
 * How a `flower-superexec` proves that it knows the secret which it shares with a SuperLink or a
 * SuperNode (Flower 1.29 and newer): an HMAC over the method, a time, a nonce and the hash of the request.
 *
 * @module
 */

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingCall } from "../../wire/service.ts";
import { flowerError } from "../../wire/flower_error.ts";
import { StatusError } from "../../wire/status.ts";

/** The time that proofs are judged by. */
export interface ProofClock {
  /** Microseconds since the epoch. */
  nowMicros(): number;
}

/** A proof whose signature is right; what it says of the body is still to be compared. */
export interface SuperExecProof {
  /** Throws unless the proof is for this body and comes for the first time. */
  requireFor(body: Uint8Array): Promise<void>;
}

/** The nonces that were used. */
export interface UsedNonces {
  /** Which nonces of proofs up to this second were used is not known. */
  readonly unknownUntilS: number;
  /** Uses a nonce, in one step; false when it was used. After `untilS` it need not be known. */
  use(nonce: string, untilS: number): boolean | Promise<boolean>;
}

/** Those of one process. */
export class LocalNonces implements UsedNonces {
  readonly unknownUntilS: number;
  readonly #clock: ProofClock;
  /** With the second after which they need not be known. */
  readonly #used = new Map<string, number>();

  constructor(clock: ProofClock) {
    this.#clock = clock;
    this.unknownUntilS = secondsOf(clock);
  }

  use(nonce: string, untilS: number): boolean {
    const nowS = secondsOf(this.#clock);
    // In the order in which they were used, so nearly in that of their times.
    for (const [known, untilS] of this.#used) {
      if (untilS >= nowS) break;
      this.#used.delete(known);
    }
    if (this.#used.has(nonce)) return false;
    this.#used.set(nonce, untilS);
    return true;
  }
}

/** Binds the derived key to its use. */
const KEY_LABEL = "superexec-auth-v1";
/** The name that is signed did not change when the transport became HTTP. */
const PACKAGE = "flwr.proto";
/** How far a proof's time may be ahead or behind, in seconds; both exclusive. */
const MAX_DRIFT_S = 5;
const MAX_AGE_S = 305;

/** Judges the proofs for one secret. */
export class SuperExecAuth {
  readonly #key: Uint8Array;
  readonly #clock: ProofClock;
  readonly #nonces: UsedNonces;

  constructor(
    secret: Uint8Array,
    clock: ProofClock,
    nonces: UsedNonces = new LocalNonces(clock),
  ) {
    this.#key = createHmac("sha256", secret).update(KEY_LABEL).digest();
    this.#clock = clock;
    this.#nonces = nonces;
  }

  /**
   * Judges a call's headers. Throws Flower's error 1008 for a proof that is missing, wrong or too
   * old, and `UNAVAILABLE` for one from before the server's start, which cannot be judged: a
   * SuperExec signs again on that, and ends on the other. `api` is the service's name, which is
   * signed too.
   */
  judge({ method, headers }: IncomingCall, api = "Runtime"): SuperExecProof {
    const time = headers.text("flwr-superexec-ts") ?? "";
    const nonce = headers.text("flwr-superexec-nonce") ?? "";
    const bodyHash = headers.text("flwr-superexec-body-sha256") ?? "";
    const signature = headers.text("flwr-superexec-signature") ?? "";
    const refused = () => flowerError("taskNotAuthenticated");
    if (!/^\d{1,12}$/.test(time) || !/^[\x21-\x2b\x2d-\x7e]{1,128}$/.test(nonce)) throw refused();
    if (!isSha256(bodyHash) || !isSha256(signature)) throw refused();
    const ageS = secondsOf(this.#clock) - Number(time);
    if (ageS <= -MAX_DRIFT_S || ageS >= MAX_AGE_S) throw refused();
    const text = `method=/${PACKAGE}.${api}/${method}\nts=${time}\nnonce=${nonce}\n` +
      `body_sha256=${bodyHash}`;
    const expected = createHmac("sha256", this.#key).update(text).digest("hex");
    if (!sameText(signature.toLowerCase(), expected)) throw refused();
    if (Number(time) <= this.#nonces.unknownUntilS) {
      throw new StatusError("UNAVAILABLE", "Sign again: this proof may have been used before.");
    }
    return {
      requireFor: async (body) => {
        const hash = createHash("sha256").update(body).digest("hex");
        if (!sameText(bodyHash.toLowerCase(), hash)) throw refused();
        const isFirst = await this.#nonces.use(`${method} ${nonce}`, Number(time) + MAX_AGE_S);
        if (!isFirst) throw refused();
      },
    };
  }
}

function secondsOf(clock: ProofClock): number {
  return clock.nowMicros() / 1_000_000;
}

function isSha256(hex: string): boolean {
  return /^[0-9a-f]{64}$/i.test(hex);
}

function sameText(a: string, b: string): boolean {
  const encoder = new TextEncoder();
  return a.length === b.length && timingSafeEqual(encoder.encode(a), encoder.encode(b));
}
