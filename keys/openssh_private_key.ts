import { concatBytes, equalBytes, shortestSigned } from "./bytes.ts";
import { CURVES } from "./curve.ts";
import type { PrivateKey } from "./ec_private_key.ts";
import { readPkcs8, type StoredPrivateKey } from "./ec_private_key_der.ts";
import { damagedPrivateKey, encryptedKey, KeyError } from "./key_error.ts";
import { encodePem } from "./pem.ts";
import { checkComment, pointOf, type PublicKey, readSshBlob, sshBlob } from "./public_key.ts";
import { encodeSsh, SshReader } from "./ssh_wire.ts";

/** The first bytes of the container (OpenSSH's PROTOCOL.key). */
const MAGIC = new TextEncoder().encode("openssh-key-v1\0");

/** What the private part is padded to where there is no cipher. */
const BLOCK_SIZE_BYTES = 8;

/**
 * Reads the body of `BEGIN OPENSSH PRIVATE KEY`, which is what `ssh-keygen` writes and the only
 * private key that Flower 1.25.0 loads.
 *
 * @throws KeyError `encrypted`, `not-ec`, `unsupported-curve` or `malformed`
 */
export function readOpenSshPrivateKey(container: Uint8Array<ArrayBuffer>): StoredPrivateKey {
  const outer = new SshReader(container);
  if (!equalBytes(outer.take(MAGIC.length), MAGIC)) throw damagedPrivateKey();
  const [cipher, kdf] = [outer.text(), outer.text()];
  outer.string();
  const count = outer.uint32();
  const publicKey = readPublicPart(outer.string());
  const inner = new SshReader(outer.string());
  if (cipher !== "none" || kdf !== "none") throw encryptedKey();
  if (count !== 1 || outer.rest().length > 0) throw damagedPrivateKey();

  const { sshName, sizeBytes } = CURVES[publicKey.curve];
  if (inner.uint32() !== inner.uint32()) throw damagedPrivateKey();
  const [type, name, point, scalar] = [inner.text(), inner.text(), inner.string(), inner.string()];
  inner.string();
  const padding = inner.rest();
  const isPublicKey = type === `ecdsa-sha2-${sshName}` && name === sshName &&
    equalBytes(point, pointOf(publicKey));
  const isPositive = scalar.length <= 1 + sizeBytes && (scalar[0] ?? 0x80) < 0x80;
  const isPadding = padding.length < 256 && padding.every((byte, index) => byte === index + 1);
  if (!isPublicKey || !isPositive || !isPadding) throw damagedPrivateKey();
  return { curve: publicKey.curve, scalar, point };
}

/**
 * The unencrypted `BEGIN OPENSSH PRIVATE KEY` block of a key, as `ssh-keygen -N ""` writes it.
 *
 * @throws KeyError `invalid-argument` when the comment has control characters, line ends included
 */
export function openSshPrivatePem(key: PrivateKey, comment = ""): string {
  checkComment(comment);
  const { curve } = key.publicKey;
  const point = pointOf(key.publicKey);
  const blob = sshBlob(curve, point);
  // With a passphrase the two equal numbers would show that it was the right one.
  const [check = 0] = crypto.getRandomValues(new Uint32Array(1));
  const scalar = shortestSigned(readPkcs8(key.pkcs8).scalar);
  const secret = concatBytes(encodeSsh(check, check), blob, encodeSsh(scalar, comment));
  const padding = Uint8Array.from(
    { length: (BLOCK_SIZE_BYTES - secret.length % BLOCK_SIZE_BYTES) % BLOCK_SIZE_BYTES },
    (_, index) => index + 1,
  );
  const body = encodeSsh("none", "none", "", 1, blob, concatBytes(secret, padding));
  return encodePem("OPENSSH PRIVATE KEY", concatBytes(MAGIC, body), 70);
}

function readPublicPart(blob: Uint8Array<ArrayBuffer>): PublicKey {
  try {
    return readSshBlob(blob);
  } catch (error) {
    // Its message would speak of a public key file, which this is not.
    throw error instanceof KeyError && error.reason === "malformed" ? damagedPrivateKey() : error;
  }
}
