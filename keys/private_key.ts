import type { Curve } from "./curve.ts";
import { checkPrivateKey, type PrivateKey } from "./ec_private_key.ts";
import { readEcPrivateKey, readPkcs8 } from "./ec_private_key_der.ts";
import { encryptedKey, KeyError } from "./key_error.ts";
import { readOpenSshPrivateKey } from "./openssh_private_key.ts";
import { type PemBlock, readPemBlocks } from "./pem.ts";

export type { PrivateKey, PrivateKeyFormat } from "./ec_private_key.ts";
export { openSshPrivatePem } from "./openssh_private_key.ts";

/** Far above any key of these formats. */
const MAX_SIZE_BYTES = 64 * 1024;

/**
 * Reads an ECDSA private key on P-256, P-384 or P-521 from an OpenSSH container, a PKCS#8 PEM or a
 * SEC1 PEM (also behind the `EC PARAMETERS` that `openssl ecparam` writes). Flower 1.25.0 itself
 * reads the OpenSSH container only.
 *
 * No message tells anything of what the key holds.
 *
 * @throws KeyError `encrypted`, `public-key`, `not-ec`, `unsupported-curve` or `malformed`
 */
export function readPrivateKey(input: Uint8Array | string): PrivateKey {
  if (input.length > MAX_SIZE_BYTES) throw unknownFormat();
  const text = (typeof input === "string" ? input : new TextDecoder().decode(input)).trim();
  if (/^(ssh|ecdsa|sk)-\S+\s/.test(text)) throw isPublic();
  const blocks = (readPemBlocks(text) ?? []).filter(({ label }) => label !== "EC PARAMETERS");
  const [block, ...rest] = blocks;
  if (block === undefined || rest.length > 0) throw unknownFormat();
  return readBlock(block);
}

/** A new private key from Web Crypto's random numbers; P-384 is what Flower's guide uses. */
export async function generatePrivateKey(curve: Curve = "P-384"): Promise<PrivateKey> {
  const algorithm = { name: "ECDSA", namedCurve: curve };
  const { privateKey } = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
  return checkPrivateKey(readPkcs8(pkcs8), "pkcs8");
}

function readBlock({ label, encrypted, bytes }: PemBlock): PrivateKey {
  if (encrypted || label === "ENCRYPTED PRIVATE KEY") throw encryptedKey();
  switch (label) {
    case "OPENSSH PRIVATE KEY":
      return checkPrivateKey(readOpenSshPrivateKey(bytes), "openssh");
    case "PRIVATE KEY":
      return checkPrivateKey(readPkcs8(bytes), "pkcs8");
    case "EC PRIVATE KEY":
      return checkPrivateKey(readEcPrivateKey(bytes), "sec1");
    case "RSA PRIVATE KEY":
    case "DSA PRIVATE KEY":
      throw new KeyError("not-ec", `The private key is an ${label.slice(0, 3)} key, not ECDSA.`);
  }
  throw label.endsWith("PUBLIC KEY") ? isPublic() : unknownFormat();
}

function unknownFormat(): KeyError {
  return new KeyError(
    "malformed",
    "The private key is in none of the forms OpenSSH, PKCS#8 PEM and SEC1 PEM, or is damaged.",
    "Give a file that `keys generate` or `ssh-keygen -t ecdsa` wrote.",
  );
}

function isPublic(): KeyError {
  return new KeyError(
    "public-key",
    "The key is a public key where a private key belongs.",
    "Give the file of the same name without `.pub`.",
  );
}
