/** One DER element: its tag byte and its content. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array<ArrayBuffer>;
}

/** The tags that keys and signatures use (X.690 section 8). */
export const DER_TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  sequence: 0x30,
  context0: 0xa0,
  context1: 0xa1,
  /** `[1] IMPLICIT BIT STRING`, the public key of PKCS#8 version 2 (RFC 5958). */
  context1Primitive: 0x81,
} as const;

/**
 * Reads all elements of a buffer, one after the other, or gives `undefined` when the buffer is not
 * exactly a series of DER elements: BER's indefinite and over-long lengths, multi-byte tags,
 * truncation and trailing bytes are refused (X.690 section 10.1).
 */
export function readDerElements(bytes: Uint8Array<ArrayBuffer>): DerElement[] | undefined {
  const elements: DerElement[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const tag = bytes[offset];
    const length = readLength(bytes, offset + 1);
    if (tag === undefined || (tag & 0x1f) === 0x1f || length === undefined) return undefined;
    const end = length.contentOffset + length.sizeBytes;
    if (end > bytes.length) return undefined;
    elements.push({ tag, content: bytes.slice(length.contentOffset, end) });
    offset = end;
  }
  return elements;
}

/** The content of a buffer that is exactly one element with this tag, else `undefined`. */
export function readDerElement(
  bytes: Uint8Array<ArrayBuffer>,
  tag: number,
): Uint8Array<ArrayBuffer> | undefined {
  const [element, ...rest] = readDerElements(bytes) ?? [];
  return element?.tag === tag && rest.length === 0 ? element.content : undefined;
}

function readLength(
  bytes: Uint8Array,
  offset: number,
): { contentOffset: number; sizeBytes: number } | undefined {
  const first = bytes[offset];
  if (first === undefined) return undefined;
  if (first < 0x80) return { contentOffset: offset + 1, sizeBytes: first };
  // Nothing here is larger than 64 KiB, so two length bytes are enough.
  const count = first & 0x7f;
  if (count < 1 || count > 2 || offset + count >= bytes.length) return undefined;
  let sizeBytes = 0;
  for (let index = 1; index <= count; index++) {
    sizeBytes = sizeBytes * 256 + (bytes[offset + index] ?? 0);
  }
  const shortest = sizeBytes < 0x80 ? 0 : sizeBytes < 0x100 ? 1 : 2;
  return count === shortest ? { contentOffset: offset + 1 + count, sizeBytes } : undefined;
}

/** One element: tag, shortest length, content. */
export function encodeDerElement(tag: number, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const size = content.length;
  const length = size < 0x80
    ? [size]
    : size < 0x100
    ? [0x81, size]
    : [0x82, size >> 8, size & 0xff];
  const element = new Uint8Array(1 + length.length + size);
  element.set([tag, ...length]);
  element.set(content, 1 + length.length);
  return element;
}
