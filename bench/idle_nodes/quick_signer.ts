/**
 * Proofs as SuperNodes make them, for a fifth of what Web Crypto takes: Deno 2.9 works out the public
 * key anew for each signature on P-384 (2.9 ms of CPU, here 0.6). A load shares the machine with what
 * it measures, and its signatures would be most of what both do.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { p384 } from "@noble/curves/nist.js";
import { encodeDerSignature } from "../../keys/ecdsa_signature.ts";
import type { Proof } from "../../keys/proof.ts";
import { publicKeyOfPoint, spkiPem } from "../../keys/public_key.ts";
import { formatTimestamp } from "../../keys/timestamp.ts";

/** Signs with a new key on P-384. */
export class QuickSigner {
  readonly publicKeyPem: Uint8Array<ArrayBuffer>;
  readonly #secretKey: Uint8Array;
  #lastMicros = -Infinity;

  constructor() {
    this.#secretKey = p384.utils.randomSecretKey();
    const point = new Uint8Array(p384.getPublicKey(this.#secretKey, false));
    this.publicKeyPem = new TextEncoder().encode(spkiPem(publicKeyOfPoint("P-384", point)));
  }

  /** A proof with a timestamp later than the one before. */
  sign(): Proof {
    this.#lastMicros = Math.max(Date.now() * 1000, this.#lastMicros + 1);
    const timestamp = formatTimestamp(this.#lastMicros);
    const digest = createHash("sha256").update(timestamp).digest();
    const p1363 = new Uint8Array(p384.sign(digest, this.#secretKey, { prehash: false }));
    const { publicKeyPem } = this;
    return { publicKeyPem, timestamp, signature: encodeDerSignature(p1363) };
  }
}
