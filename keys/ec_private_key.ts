import { createPrivateKey, createPublicKey } from "node:crypto";
import { Buffer } from "node:buffer";
import { bigIntToBytes, bytesToBigInt, concatBytes, equalBytes } from "./bytes.ts";
import { type Curve, CURVES } from "./curve.ts";
import { encodePkcs8, type StoredPrivateKey } from "./ec_private_key_der.ts";
import { KeyError } from "./key_error.ts";
import { pointOf, type PublicKey, readSpki } from "./public_key.ts";

/** The kind of file that a private key was read from. */
export type PrivateKeyFormat = "openssh" | "pkcs8" | "sec1";

/** A private key that was read and checked, with the public key that belongs to it. */
export interface PrivateKey {
  readonly publicKey: PublicKey;
  /** PKCS#8 in DER with the public point, as OpenSSL and Web Crypto write it. Secret. */
  readonly pkcs8: Uint8Array<ArrayBuffer>;
  readonly format: PrivateKeyFormat;
}

/**
 * Makes a private key of what a file says: the scalar lies in 1..n-1, the public key is derived
 * from it, and a stored point, compressed or not, must be that public key.
 *
 * @throws KeyError `malformed`
 */
export function checkPrivateKey(stored: StoredPrivateKey, format: PrivateKeyFormat): PrivateKey {
  const { curve, point } = stored;
  const { sizeBytes, order } = CURVES[curve];
  const value = bytesToBigInt(stored.scalar);
  if (value < 1n || value >= order) {
    throw new KeyError("malformed", `The private key is out of the range of ${curve}.`);
  }
  const scalar = bigIntToBytes(value, sizeBytes);
  const publicKey = derivePublicKey(curve, scalar);
  const derived = pointOf(publicKey);
  if (point && !equalBytes(point, derived) && !equalBytes(point, compress(derived))) {
    throw new KeyError(
      "malformed",
      "The private key does not belong to the public key that is stored with it.",
    );
  }
  return new CheckedPrivateKey(publicKey, encodePkcs8(curve, scalar, derived), format);
}

function derivePublicKey(curve: Curve, scalar: Uint8Array<ArrayBuffer>): PublicKey {
  const der = Buffer.from(encodePkcs8(curve, scalar));
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return readSpki(new Uint8Array(spki));
}

function compress(point: Uint8Array): Uint8Array<ArrayBuffer> {
  const x = point.slice(1, (point.length + 1) / 2);
  return concatBytes(new Uint8Array([2 + ((point.at(-1) ?? 0) & 1)]), x);
}

/** Keeps the secret behind a getter, so that logging or serialising a key does not show it. */
class CheckedPrivateKey implements PrivateKey {
  readonly #pkcs8: Uint8Array<ArrayBuffer>;

  constructor(
    readonly publicKey: PublicKey,
    pkcs8: Uint8Array<ArrayBuffer>,
    readonly format: PrivateKeyFormat,
  ) {
    this.#pkcs8 = pkcs8;
  }

  get pkcs8(): Uint8Array<ArrayBuffer> {
    return this.#pkcs8;
  }
}
