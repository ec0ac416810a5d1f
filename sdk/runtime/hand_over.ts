/** Smaller bytes may be part of a buffer that others use too, as Node's small buffers are. */
const MIN_OWN_BYTES = 64 * 1024;
/** A protobuf message around one large field adds less than this. */
const MAX_FRAME_BYTES = 1024;

/**
 * Prepares bytes for `postMessage`: their buffer is added to `transfer` and so handed over instead of
 * copied. Bytes that are a part of a larger buffer are copied out of it first, because otherwise all of
 * that buffer would be copied or handed over.
 *
 * The caller must not use `bytes` afterwards.
 */
export function handOver(bytes: Uint8Array, transfer: ArrayBuffer[]): Uint8Array {
  const { buffer, byteLength } = bytes;
  const ownsBuffer = byteLength === buffer.byteLength ||
    byteLength >= MIN_OWN_BYTES && buffer.byteLength - byteLength <= MAX_FRAME_BYTES;
  if (ownsBuffer && buffer instanceof ArrayBuffer) {
    transfer.push(buffer);
    return bytes;
  }
  const copy = new Uint8Array(bytes);
  transfer.push(copy.buffer);
  return copy;
}
