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
  requireFor(body: Uint8Array): void;
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
  /** The nonces that were used, with the second after which they need not be known. */
  readonly #used = new Map<string, number>();
  /** Which nonces were used before the start is not known. */
  readonly #startS: number;

  constructor(secret: Uint8Array, clock: ProofClock) {
    this.#key = createHmac("sha256", secret).update(KEY_LABEL).digest();
    this.#clock = clock;
    this.#startS = this.#nowS();
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
    const ageS = this.#nowS() - Number(time);
    if (ageS <= -MAX_DRIFT_S || ageS >= MAX_AGE_S) throw refused();
    const text = `method=/${PACKAGE}.${api}/${method}\nts=${time}\nnonce=${nonce}\n` +
      `body_sha256=${bodyHash}`;
    const expected = createHmac("sha256", this.#key).update(text).digest("hex");
    if (!sameText(signature.toLowerCase(), expected)) throw refused();
    if (Number(time) <= this.#startS) {
      throw new StatusError("UNAVAILABLE", "Sign again: this proof may have been used before.");
    }
    return {
      requireFor: (body) => {
        const hash = createHash("sha256").update(body).digest("hex");
        if (!sameText(bodyHash.toLowerCase(), hash)) throw refused();
        if (!this.#use(`${method} ${nonce}`, Number(time))) throw refused();
      },
    };
  }

  #use(nonce: string, timeS: number): boolean {
    const nowS = this.#nowS();
    // In the order in which they were used, so nearly in that of their times.
    for (const [known, untilS] of this.#used) {
      if (untilS >= nowS) break;
      this.#used.delete(known);
    }
    if (this.#used.has(nonce)) return false;
    this.#used.set(nonce, timeS + MAX_AGE_S);
    return true;
  }

  #nowS(): number {
    return this.#clock.nowMicros() / 1_000_000;
  }
}

function isSha256(hex: string): boolean {
  return /^[0-9a-f]{64}$/i.test(hex);
}

function sameText(a: string, b: string): boolean {
  const encoder = new TextEncoder();
  return a.length === b.length && timingSafeEqual(encoder.encode(a), encoder.encode(b));
}
