/**
 * Proofs that a {@linkcode ProofSigner} would not make.
 *
 * @module
 */

import { bigIntToBytes, bytesToBigInt, concatBytes } from "../../keys/bytes.ts";
import { CURVES } from "../../keys/curve.ts";
import { encodeDerSignature, parseDerSignature } from "../../keys/ecdsa_signature.ts";
import type { PrivateKey } from "../../keys/private_key.ts";
import type { Proof } from "../../keys/proof.ts";
import { type Curve, spkiPem } from "../../keys/public_key.ts";
import { formatTimestamp } from "../../keys/timestamp.ts";

/** A proof over any text. */
export async function proveText(
  key: PrivateKey,
  timestamp: string,
  hash = "SHA-256",
): Promise<Proof> {
  const algorithm = { name: "ECDSA", namedCurve: key.publicKey.curve };
  const imported = await crypto.subtle.importKey("pkcs8", key.pkcs8, algorithm, false, ["sign"]);
  const text = new TextEncoder().encode(timestamp);
  const p1363 = new Uint8Array(await crypto.subtle.sign({ name: "ECDSA", hash }, imported, text));
  return {
    publicKeyPem: new TextEncoder().encode(spkiPem(key.publicKey)),
    timestamp,
    signature: encodeDerSignature(p1363),
  };
}

/** A proof for an instant, in microseconds since the epoch. */
export function proveAt(key: PrivateKey, micros: number): Promise<Proof> {
  return proveText(key, formatTimestamp(micros));
}

/** The other signature that verifies, (r, n-s), which anybody can make of a captured one. */
export function twinOf(proof: Proof, curve: Curve): Proof {
  const { sizeBytes, order } = CURVES[curve];
  const parsed = parseDerSignature(proof.signature, curve);
  if (!parsed) throw new Error("The proof's signature cannot be read.");
  const s = bytesToBigInt(parsed.p1363.slice(sizeBytes));
  const p1363 = concatBytes(
    parsed.p1363.slice(0, sizeBytes),
    bigIntToBytes(order - s, sizeBytes),
  );
  return { ...proof, signature: encodeDerSignature(p1363) };
}
