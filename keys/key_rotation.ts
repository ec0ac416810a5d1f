/**
 * The statement by which a key hands its place over to another one, signed by both.
 *
 * @module
 */

import { encodeDerSignature, parseDerSignature } from "./ecdsa_signature.ts";
import type { PrivateKey } from "./private_key.ts";
import { importVerifyKey, type PublicKey } from "./public_key.ts";

/** Flower's proofs use SHA-256 on every curve, and so does this. */
const ECDSA_SHA256 = { name: "ECDSA", hash: "SHA-256" } as const;

/** The signatures of a handover, in DER. */
export interface Handover {
  readonly oldSignature: Uint8Array;
  readonly newSignature: Uint8Array;
}

/** Signs that `newKey` takes the place of `oldKey`. */
export async function signHandover(oldKey: PrivateKey, newKey: PrivateKey): Promise<Handover> {
  const text = handoverText(oldKey.publicKey, newKey.publicKey);
  return { oldSignature: await sign(oldKey, text), newSignature: await sign(newKey, text) };
}

/** Whether both keys have signed that `newKey` takes the place of `oldKey`. */
export async function verifyHandover(
  oldKey: PublicKey,
  newKey: PublicKey,
  { oldSignature, newSignature }: Handover,
): Promise<boolean> {
  const text = handoverText(oldKey, newKey);
  return await verify(oldKey, oldSignature, text) && await verify(newKey, newSignature, text);
}

/** No timestamp of a proof looks like this, so neither can be used as the other. */
function handoverText(oldKey: PublicKey, newKey: PublicKey): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`trellis.v1.RotateOwnKey ${oldKey.id} ${newKey.id}`);
}

async function sign(key: PrivateKey, text: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const algorithm = { name: "ECDSA", namedCurve: key.publicKey.curve };
  const imported = await crypto.subtle.importKey("pkcs8", key.pkcs8, algorithm, false, ["sign"]);
  const p1363 = await crypto.subtle.sign(ECDSA_SHA256, imported, text);
  return encodeDerSignature(new Uint8Array(p1363));
}

async function verify(
  key: PublicKey,
  signature: Uint8Array,
  text: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const parsed = parseDerSignature(new Uint8Array(signature), key.curve);
  if (!parsed) return false;
  return await crypto.subtle.verify(ECDSA_SHA256, await importVerifyKey(key), parsed.p1363, text);
}
