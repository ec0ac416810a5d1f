import { encodeDerSignature } from "./ecdsa_signature.ts";
import type { PrivateKey } from "./private_key.ts";
import { spkiPem } from "./public_key.ts";
import { formatTimestamp } from "./timestamp.ts";

/** A proof that its sender holds a private key: what a SuperNode sends with every Fleet request. */
export interface Proof {
  /** `flwr-public-key-bin`: the SPKI PEM, as bytes. */
  readonly publicKeyPem: Uint8Array<ArrayBuffer>;
  /** `flwr-timestamp`. */
  readonly timestamp: string;
  /** `flwr-signature-bin`: ECDSA with SHA-256 over the timestamp's ASCII bytes, in DER. */
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** Flower uses SHA-256 on every curve, P-384 and P-521 too. */
const ECDSA_SHA256 = { name: "ECDSA", hash: "SHA-256" } as const;

/**
 * Signs proofs with one key, each with a timestamp later than the one before, also when the clock
 * stands still or goes back. Deno's signatures on P-256 and P-384 are deterministic: two of one
 * timestamp would be the same proof, which a SuperLink accepts only once. So a process keeps one
 * signer for a key.
 */
export class ProofSigner {
  readonly #signingKey: CryptoKey;
  readonly #publicKeyPem: Uint8Array<ArrayBuffer>;
  readonly #nowMicros: () => number;
  #lastMicros = -Infinity;

  private constructor(
    signingKey: CryptoKey,
    publicKeyPem: Uint8Array<ArrayBuffer>,
    nowMicros: () => number,
  ) {
    this.#signingKey = signingKey;
    this.#publicKeyPem = publicKeyPem;
    this.#nowMicros = nowMicros;
  }

  /** A signer for a key, by the wall clock in microseconds since the epoch. */
  static async create(key: PrivateKey, nowMicros = wallClockMicros): Promise<ProofSigner> {
    const algorithm = { name: "ECDSA", namedCurve: key.publicKey.curve };
    const imported = await crypto.subtle.importKey("pkcs8", key.pkcs8, algorithm, false, ["sign"]);
    const publicKeyPem = new TextEncoder().encode(spkiPem(key.publicKey));
    return new ProofSigner(imported, publicKeyPem, nowMicros);
  }

  /** A new proof. Calls may overlap: each takes its timestamp before it waits for anything. */
  async sign(): Promise<Proof> {
    this.#lastMicros = Math.max(Math.floor(this.#nowMicros()), this.#lastMicros + 1);
    const timestamp = formatTimestamp(this.#lastMicros);
    const bytes = new TextEncoder().encode(timestamp);
    const p1363 = await crypto.subtle.sign(ECDSA_SHA256, this.#signingKey, bytes);
    return {
      publicKeyPem: this.#publicKeyPem,
      timestamp,
      signature: encodeDerSignature(new Uint8Array(p1363)),
    };
  }
}

/** Whether a signature (r and s, one after the other) over a timestamp's text is that key's. */
export function verifySignature(
  key: CryptoKey,
  p1363: Uint8Array<ArrayBuffer>,
  timestampText: string,
): Promise<boolean> {
  const bytes = new TextEncoder().encode(timestampText);
  return crypto.subtle.verify(ECDSA_SHA256, key, p1363, bytes);
}

/**
 * The wall clock has steps of 1 ms. The microseconds below them come from another clock, so that a
 * process that takes over a key from another one hardly ever meets one of its timestamps.
 */
function wallClockMicros(): number {
  return Date.now() * 1000 + Math.floor(performance.now() * 1000) % 1000;
}
