/**
 * The framing of streams: each message behind its length in four bytes, big-endian; the end of the
 * body is the end of the stream (Flower 1.35 and newer).
 *
 * @module
 */

import { concatBytes } from "../../keys/bytes.ts";

const PREFIX_BYTES = 4;

/** A stream that is not one of frames. */
export class FramingError extends Error {
  override readonly name = "FramingError";
}

/** One message as it travels in a stream. */
export function frame(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const framed = new Uint8Array(PREFIX_BYTES + message.length);
  new DataView(framed.buffer).setUint32(0, message.length);
  framed.set(message, PREFIX_BYTES);
  return framed;
}

/**
 * The messages of a stream, however it was cut into chunks. Throws a {@linkcode FramingError} for a
 * message above `maxBytes`, before it is read, and for a stream that ends inside of one.
 */
export async function* unframed(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array = new Uint8Array();
  for await (const chunk of chunks) {
    pending = pending.length === 0 ? chunk : concatBytes(pending, chunk);
    for (;;) {
      const sizeBytes = announcedSize(pending);
      if (sizeBytes === undefined) break;
      if (sizeBytes > maxBytes) throw new FramingError("A message of the stream is too large.");
      const end = PREFIX_BYTES + sizeBytes;
      if (pending.length < end) break;
      yield pending.slice(PREFIX_BYTES, end);
      pending = pending.subarray(end);
    }
  }
  if (pending.length > 0) throw new FramingError("The stream ends inside of a message.");
}

function announcedSize(bytes: Uint8Array): number | undefined {
  if (bytes.length < PREFIX_BYTES) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset, PREFIX_BYTES).getUint32(0);
}
