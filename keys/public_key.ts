import { createHash, createPublicKey } from "node:crypto";
import { Buffer } from "node:buffer";
import { decodeBase64, decodeHex, encodeBase64, encodeHex } from "@std/encoding";
import { concatBytes } from "./bytes.ts";
import { type Curve, CURVE_NAMES, CURVES, EC_PUBLIC_KEY_OID_HEX } from "./curve.ts";
import { DER_TAG, readDerElement, readDerElements } from "./der.ts";
import { CURVE_HINT, KeyError } from "./key_error.ts";
import { encodePem, readPemBlocks } from "./pem.ts";
import { encodeSsh, SshReader } from "./ssh_wire.ts";

export type { Curve } from "./curve.ts";

/** A public key that was read and checked: its point lies on its curve. */
export interface PublicKey {
  readonly curve: Curve;
  /** SubjectPublicKeyInfo in DER, with a named curve and the uncompressed point. */
  readonly spki: Uint8Array<ArrayBuffer>;
  /** Lower-case hex SHA-256 of {@linkcode spki}: the identity of a key, whatever file it was in. */
  readonly id: string;
  /** `SHA256:…` as `ssh-keygen -l` prints. */
  readonly fingerprint: string;
}

/** Far above the 268 bytes of a P-521 PEM, and what a stranger may make us look at. */
const MAX_SIZE_BYTES = 16 * 1024;

/**
 * Reads an OpenSSH public-key line (`ecdsa-sha2-nistp384 AAAA… comment`) or an SPKI PEM block; CRLF,
 * a missing last line end and blanks around it do no harm.
 *
 * One key has one {@linkcode PublicKey.id}: compressed points and explicit curve parameters, which
 * would be other names for it, are refused, and so is a point that is not on its curve.
 *
 * @throws KeyError `private-key`, `not-ec`, `unsupported-curve` or `malformed`
 */
export function readPublicKey(input: Uint8Array | string): PublicKey {
  if (input.length > MAX_SIZE_BYTES) throw malformed("is too large to be a public key");
  const text = (typeof input === "string" ? input : new TextDecoder().decode(input)).trim();
  return text.startsWith("-----BEGIN ") ? readPem(text) : readOpenSshLine(text);
}

/** The SPKI PEM that SuperNodes send as `flwr-public-key-bin`: 64 columns, LF, trailing LF. */
export function spkiPem(key: PublicKey): string {
  return encodePem("PUBLIC KEY", key.spki);
}

/**
 * The line that `ssh-keygen` writes to a `.pub` file, without a line end.
 *
 * @throws KeyError `invalid-argument` when the comment has control characters, line ends included
 */
export function openSshPublicLine(key: PublicKey, comment = ""): string {
  checkComment(comment);
  const type = `ecdsa-sha2-${CURVES[key.curve].sshName}`;
  return [type, encodeBase64(sshBlob(key.curve, pointOf(key))), comment].join(" ").trimEnd();
}

/** A comment goes into files line by line, so it has no control characters. */
export function checkComment(comment: string): void {
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x1f\x7f]/.test(comment)) {
    throw new KeyError("invalid-argument", "The comment of a key must be one line of text.");
  }
}

/** The key as Web Crypto verifies with it. */
export function importVerifyKey(key: PublicKey): Promise<CryptoKey> {
  const algorithm = { name: "ECDSA", namedCurve: key.curve };
  return crypto.subtle.importKey("spki", key.spki, algorithm, true, ["verify"]);
}

/** The uncompressed point (04, X, Y) of a key. */
export function pointOf(key: PublicKey): Uint8Array<ArrayBuffer> {
  return key.spki.slice(CURVES[key.curve].spkiPrefixHex.length / 2);
}

/** The SSH public blob (RFC 5656 section 3.1), which also stands in OpenSSH private keys. */
export function sshBlob(curve: Curve, point: Uint8Array): Uint8Array<ArrayBuffer> {
  const { sshName } = CURVES[curve];
  return encodeSsh(`ecdsa-sha2-${sshName}`, sshName, point);
}

/**
 * The key of an SSH public blob.
 *
 * @throws KeyError `not-ec`, `unsupported-curve` or `malformed`
 */
export function readSshBlob(blob: Uint8Array<ArrayBuffer>): PublicKey {
  const reader = new SshReader(blob);
  const curve = curveOfSshType(reader.text());
  const name = reader.text();
  const point = reader.string();
  if (name !== CURVES[curve].sshName || reader.rest().length > 0) {
    throw malformed("has a damaged body");
  }
  return publicKeyOfPoint(curve, point);
}

/**
 * The key of an SPKI in DER.
 *
 * @throws KeyError `not-ec`, `unsupported-curve` or `malformed`
 */
export function readSpki(der: Uint8Array<ArrayBuffer>): PublicKey {
  const hex = encodeHex(der);
  for (const curve of CURVE_NAMES) {
    const { spkiPrefixHex } = CURVES[curve];
    if (hex.startsWith(spkiPrefixHex)) {
      return publicKeyOfPoint(curve, der.slice(spkiPrefixHex.length / 2));
    }
  }
  throw whyNotSpki(der);
}

/**
 * The key of an uncompressed point.
 *
 * @throws KeyError `malformed` when the bytes are not such a point on the curve
 */
export function publicKeyOfPoint(curve: Curve, point: Uint8Array<ArrayBuffer>): PublicKey {
  const { sizeBytes, spkiPrefixHex } = CURVES[curve];
  if (point[0] === 2 || point[0] === 3) throw compressed();
  if (point.length !== 1 + 2 * sizeBytes || point[0] !== 4) throw offCurve(curve);
  const spki = concatBytes(decodeHex(spkiPrefixHex), point);
  try {
    // Deno's Web Crypto imports any bytes as a point and fails later; this checks the equation.
    createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  } catch {
    throw offCurve(curve);
  }
  return {
    curve,
    spki,
    id: createHash("sha256").update(spki).digest("hex"),
    fingerprint: `SHA256:${
      createHash("sha256").update(sshBlob(curve, point)).digest("base64").replace(/=+$/, "")
    }`,
  };
}

/**
 * The curve of an SSH key type such as `ecdsa-sha2-nistp384`.
 *
 * @throws KeyError `not-ec`, `unsupported-curve` or, for a type that SSH does not have, `malformed`
 */
export function curveOfSshType(type: string): Curve {
  const curve = CURVE_NAMES.find((name) => type === `ecdsa-sha2-${CURVES[name].sshName}`);
  if (curve !== undefined) return curve;
  // Quoted only when it looks like a key type, so that no stray bytes of a file get into a log.
  if (!/^(ssh|ecdsa|sk)-[a-z0-9@.-]{1,48}$/.test(type)) throw malformed("has a damaged body");
  if (type.startsWith("ecdsa-sha2-")) {
    throw new KeyError("unsupported-curve", `The key has the type "${type}".`, CURVE_HINT);
  }
  throw new KeyError("not-ec", `The key has the type "${type}", not ECDSA.`, CURVE_HINT);
}

function readPem(text: string): PublicKey {
  const blocks = readPemBlocks(text) ?? [];
  const [block, ...rest] = blocks;
  if (block === undefined) throw malformed("is a damaged PEM block");
  if (blocks.some(({ label }) => label.endsWith("PRIVATE KEY"))) throw isPrivate();
  if (block.label === "RSA PUBLIC KEY" || block.label === "DSA PUBLIC KEY") throw notEc();
  if (block.label !== "PUBLIC KEY" || rest.length > 0) {
    throw malformed("is not one PUBLIC KEY block");
  }
  return readSpki(block.bytes);
}

function readOpenSshLine(line: string): PublicKey {
  const [type = "", base64 = ""] = line.split(/[ \t]+/);
  if (/[\r\n]/.test(line) || !/^(ssh|ecdsa|sk)-/.test(type)) {
    throw malformed("is neither an OpenSSH public key line nor a PEM block");
  }
  const curve = curveOfSshType(type);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0) {
    throw malformed("has a damaged body");
  }
  const key = readSshBlob(decodeBase64(base64));
  if (key.curve !== curve) throw malformed("names two different curves");
  return key;
}

function whyNotSpki(der: Uint8Array<ArrayBuffer>): KeyError {
  const [algorithm, bits, ...rest] = readDerElements(
    readDerElement(der, DER_TAG.sequence) ?? new Uint8Array(),
  ) ?? [];
  const [oid, parameters] = readDerElements(algorithm?.content ?? new Uint8Array()) ?? [];
  if (bits?.tag !== DER_TAG.bitString || oid?.tag !== DER_TAG.oid || rest.length > 0) {
    return malformed("has a damaged body");
  }
  if (encodeHex(oid.content) !== EC_PUBLIC_KEY_OID_HEX) return notEc();
  if (parameters?.tag !== DER_TAG.oid) {
    return new KeyError("unsupported-curve", "The key does not name its curve.", CURVE_HINT);
  }
  const known = CURVE_NAMES.some((name) => CURVES[name].oidHex === encodeHex(parameters.content));
  if (!known) {
    return new KeyError("unsupported-curve", "The key is on an unsupported curve.", CURVE_HINT);
  }
  return bits.content[1] === 2 || bits.content[1] === 3
    ? compressed()
    : malformed("has a damaged body");
}

function malformed(what: string): KeyError {
  return new KeyError(
    "malformed",
    `The public key ${what}.`,
    "Give the `.pub` file that `keys generate` or `ssh-keygen` wrote.",
  );
}

function isPrivate(): KeyError {
  return new KeyError(
    "private-key",
    "The key is a private key where a public key belongs.",
    "Give the `.pub` file beside it, and keep the private key to yourself.",
  );
}

function notEc(): KeyError {
  return new KeyError("not-ec", "The key is not an elliptic curve key.", CURVE_HINT);
}

function compressed(): KeyError {
  return new KeyError(
    "malformed",
    "The public key has a compressed point.",
    "Write it again in the usual form, for example with `ssh-keygen -y -f <private key>`.",
  );
}

function offCurve(curve: Curve): KeyError {
  return malformed(`does not hold a point on ${curve}`);
}
