import { decodeHex, encodeHex } from "@std/encoding";
import { concatBytes } from "./bytes.ts";
import { type Curve, CURVE_NAMES, CURVES, EC_PUBLIC_KEY_OID_HEX } from "./curve.ts";
import {
  DER_TAG,
  type DerElement,
  encodeDerElement,
  readDerElement,
  readDerElements,
} from "./der.ts";
import { CURVE_HINT, damagedPrivateKey, KeyError } from "./key_error.ts";

/** What a file says of a private key, before it is checked. */
export interface StoredPrivateKey {
  readonly curve: Curve;
  /** Big-endian, of any length. */
  readonly scalar: Uint8Array<ArrayBuffer>;
  /** The public point beside it, where the file has one; PKCS#8 and SEC1 may leave it out. */
  readonly point: Uint8Array<ArrayBuffer> | undefined;
}

/**
 * Reads `PrivateKeyInfo` (PKCS#8, RFC 5208; RFC 5958 adds a public key at its end).
 *
 * @throws KeyError `not-ec`, `unsupported-curve` or `malformed`
 */
export function readPkcs8(der: Uint8Array<ArrayBuffer>): StoredPrivateKey {
  const [version, algorithm, key, ...optional] = elementsOfSequence(der);
  const isVersion = version?.tag === DER_TAG.integer && /^0[01]$/.test(encodeHex(version.content));
  if (!isVersion || algorithm?.tag !== DER_TAG.sequence || key?.tag !== DER_TAG.octetString) {
    throw damagedPrivateKey();
  }
  const [oid, parameters] = readDerElements(algorithm.content) ?? [];
  if (oid?.tag !== DER_TAG.oid) throw damagedPrivateKey();
  if (encodeHex(oid.content) !== EC_PUBLIC_KEY_OID_HEX) {
    throw new KeyError("not-ec", "The private key is not an elliptic curve key.", CURVE_HINT);
  }
  const stored = readEcPrivateKey(key.content, curveOf(parameters));
  const bits = optional.find(({ tag }) => tag === DER_TAG.context1Primitive)?.content;
  return { ...stored, point: stored.point ?? bits?.slice(1) };
}

/**
 * Reads `ECPrivateKey` (SEC1, RFC 5915). Inside PKCS#8 the curve is known already; alone, it must
 * be named inside.
 *
 * @throws KeyError `unsupported-curve` or `malformed`
 */
export function readEcPrivateKey(der: Uint8Array<ArrayBuffer>, known?: Curve): StoredPrivateKey {
  const [version, scalar, ...optional] = elementsOfSequence(der);
  const isVersion = version?.tag === DER_TAG.integer && encodeHex(version.content) === "01";
  if (!isVersion || scalar?.tag !== DER_TAG.octetString) throw damagedPrivateKey();
  const parameters = optional.find(({ tag }) => tag === DER_TAG.context0);
  const named = parameters && curveOf(readDerElements(parameters.content)?.[0]);
  const curve = known ?? named;
  if (curve === undefined || (named ?? curve) !== curve) throw damagedPrivateKey();
  const wrapped = optional.find(({ tag }) => tag === DER_TAG.context1);
  if (wrapped === undefined) return { curve, scalar: scalar.content, point: undefined };
  const bits = readDerElement(wrapped.content, DER_TAG.bitString);
  if (bits === undefined || bits[0] !== 0) throw damagedPrivateKey();
  return { curve, scalar: scalar.content, point: bits.slice(1) };
}

/** PKCS#8 with the curve named once and, where it is given, the public point: OpenSSL's form. */
export function encodePkcs8(
  curve: Curve,
  scalar: Uint8Array<ArrayBuffer>,
  point?: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const publicKey = point === undefined ? [] : [encodeDerElement(
    DER_TAG.context1,
    encodeDerElement(DER_TAG.bitString, concatBytes(new Uint8Array(1), point)),
  )];
  return sequence(
    encodeDerElement(DER_TAG.integer, new Uint8Array([0])),
    sequence(
      encodeDerElement(DER_TAG.oid, decodeHex(EC_PUBLIC_KEY_OID_HEX)),
      encodeDerElement(DER_TAG.oid, decodeHex(CURVES[curve].oidHex)),
    ),
    encodeDerElement(
      DER_TAG.octetString,
      sequence(
        encodeDerElement(DER_TAG.integer, new Uint8Array([1])),
        encodeDerElement(DER_TAG.octetString, scalar),
        ...publicKey,
      ),
    ),
  );
}

function sequence(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return encodeDerElement(DER_TAG.sequence, concatBytes(...parts));
}

function elementsOfSequence(der: Uint8Array<ArrayBuffer>): DerElement[] {
  const content = readDerElement(der, DER_TAG.sequence);
  const elements = content && readDerElements(content);
  if (elements === undefined) throw damagedPrivateKey();
  return elements;
}

function curveOf(parameters: DerElement | undefined): Curve {
  const hex = parameters?.tag === DER_TAG.oid ? encodeHex(parameters.content) : undefined;
  const curve = CURVE_NAMES.find((name) => CURVES[name].oidHex === hex);
  if (curve !== undefined) return curve;
  throw new KeyError(
    "unsupported-curve",
    "The private key is not on one of the curves P-256, P-384 and P-521, or does not name it.",
    CURVE_HINT,
  );
}
