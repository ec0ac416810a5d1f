import { bytesToBigInt, concatBytes, shortestSigned } from "./bytes.ts";
import { type Curve, CURVES } from "./curve.ts";
import { DER_TAG, encodeDerElement, readDerElement, readDerElements } from "./der.ts";

/** A signature that was read from DER. */
export interface EcdsaSignature {
  /** What a replay guard keeps: the twin (r, n-s), which verifies too, has the same r. */
  readonly r: bigint;
  /** r and s one after the other, each as long as the curve's order: what Web Crypto takes. */
  readonly p1363: Uint8Array<ArrayBuffer>;
}

/**
 * Reads `SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279 section 2.2.3), which is what Flower puts in
 * `flwr-signature-bin`, or gives `undefined` when the bytes are not the one DER form of it with r
 * and s in 1..n-1 of the curve. So a signature has one spelling, and r is one number.
 */
export function parseDerSignature(
  der: Uint8Array<ArrayBuffer>,
  curve: Curve,
): EcdsaSignature | undefined {
  const { sizeBytes, order } = CURVES[curve];
  // Two tags, lengths and sign bytes, and the outer header: P-521 fits with room to spare.
  if (der.length > 2 * sizeBytes + 9) return undefined;
  const body = readDerElement(der, DER_TAG.sequence);
  const integers = body && readDerElements(body);
  if (integers?.length !== 2 || integers.some(({ tag }) => tag !== DER_TAG.integer)) {
    return undefined;
  }
  const [r, s] = integers.map(({ content }) => positiveInteger(content));
  if (r === undefined || s === undefined || r >= order || s >= order) return undefined;
  const p1363 = new Uint8Array(2 * sizeBytes);
  integers.forEach(({ content }, index) => {
    const digits = content[0] === 0 ? content.subarray(1) : content;
    p1363.set(digits, (index + 1) * sizeBytes - digits.length);
  });
  return { r, p1363 };
}

/** The DER form of a signature that Web Crypto made (r and s, one after the other). */
export function encodeDerSignature(p1363: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const half = p1363.length / 2;
  const integers = [p1363.slice(0, half), p1363.slice(half)].map((bytes) =>
    encodeDerElement(DER_TAG.integer, shortestSigned(bytes))
  );
  return encodeDerElement(DER_TAG.sequence, concatBytes(...integers));
}

function positiveInteger(content: Uint8Array): bigint | undefined {
  const [first = 0x80, second = 0] = content;
  const negative = first >= 0x80;
  const padded = first === 0 && second < 0x80;
  return negative || padded ? undefined : bytesToBigInt(content);
}
