/**
 * The frames that calls within one machine travel in, over a connection of bytes:
 *
 *     length of the payload   4 bytes, big endian
 *     kind                    1 byte, {@linkcode FRAME_KINDS}
 *     number of the call      4 bytes, big endian, chosen by the caller
 *     payload
 *
 * A call's payload is one byte with the length of its method's name (`package.Service/Method`), the
 * name, and the request; an answer's is the message; a refusal's is one byte with the number of the
 * gRPC status, and its words; a cancellation has none.
 *
 * @module
 */

import { concatBytes } from "../../keys/bytes.ts";
import { writeAll } from "../write_all.ts";

/** What a frame is. */
export const FRAME_KINDS = { call: 1, answer: 2, refusal: 3, cancel: 4 } as const;

/** A frame of a call. */
export interface Frame {
  /** One of {@linkcode FRAME_KINDS}, if the other side keeps to them. */
  readonly kind: number;
  readonly callId: number;
  readonly payload: Uint8Array<ArrayBuffer>;
}

const HEAD_BYTES = 9;
const READ_BYTES = 64 * 1024;

/** The frames that come in on a connection, until that ends; throws where one is too large. */
export async function* readFrames(
  connection: Pick<Deno.Conn, "read">,
  maxPayloadBytes: number,
): AsyncIterable<Frame> {
  const buffer = new Uint8Array(READ_BYTES);
  let from = 0;
  let to = 0;
  const readMore = async (): Promise<boolean> => {
    buffer.copyWithin(0, from, to);
    [from, to] = [0, to - from];
    const count = await connection.read(buffer.subarray(to));
    to += count ?? 0;
    return count !== null;
  };
  for (;;) {
    while (to - from < HEAD_BYTES) if (!await readMore()) return;
    const head = new DataView(buffer.buffer, from, HEAD_BYTES);
    const [length, kind, callId] = [head.getUint32(0), head.getUint8(4), head.getUint32(5)];
    if (length > maxPayloadBytes) throw new RangeError(`A frame of ${length} bytes is too large.`);
    from += HEAD_BYTES;
    const payload = new Uint8Array(length);
    let filled = Math.min(length, to - from);
    payload.set(buffer.subarray(from, from + filled));
    from += filled;
    while (filled < length) {
      const count = await connection.read(payload.subarray(filled));
      if (count === null) return;
      filled += count;
    }
    yield { kind, callId, payload };
  }
}

/** Writes frames to a connection, whole and one after the other. */
export class FrameWriter {
  readonly #connection: Pick<Deno.Conn, "write">;
  #last: Promise<void> = Promise.resolve();

  constructor(connection: Pick<Deno.Conn, "write">) {
    this.#connection = connection;
  }

  /** Comes when the frame is written; rejects when the connection is gone. `parts` is its payload. */
  write(kind: number, callId: number, ...parts: readonly Uint8Array[]): Promise<void> {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const head = new Uint8Array(HEAD_BYTES);
    const view = new DataView(head.buffer);
    view.setUint32(0, length);
    view.setUint8(4, kind);
    view.setUint32(5, callId);
    this.#last = this.#last.then(() => this.#send([head, ...parts], HEAD_BYTES + length));
    return this.#last;
  }

  /** A small frame is one write; a large one is not copied. */
  async #send(parts: readonly Uint8Array[], length: number): Promise<void> {
    const writes = length > READ_BYTES ? parts : [concatBytes(...parts)];
    for (const bytes of writes) await writeAll(this.#connection, bytes);
  }
}
