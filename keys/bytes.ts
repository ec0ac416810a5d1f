import { decodeHex, encodeHex } from "@std/encoding";

/** One array with the bytes of all parts, in order. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sizeBytes, part) => sizeBytes + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** The big-endian unsigned integer that the bytes hold; no bytes are 0. */
export function bytesToBigInt(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${encodeHex(bytes)}`);
}

/** A non-negative integer as exactly `sizeBytes` big-endian bytes; it must fit. */
export function bigIntToBytes(value: bigint, sizeBytes: number): Uint8Array<ArrayBuffer> {
  return decodeHex(value.toString(16).padStart(2 * sizeBytes, "0"));
}

/**
 * The shortest signed form of an unsigned big-endian integer: no leading zeros, but one where the
 * top bit is set. DER's INTEGER and SSH's `mpint` are this.
 */
export function shortestSigned(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = bytes.slice(start === -1 ? bytes.length - 1 : start);
  return (digits[0] ?? 0) < 0x80 ? digits : concatBytes(new Uint8Array(1), digits);
}

/** Whether two arrays hold the same bytes. Not for secrets: it stops at the first difference. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
