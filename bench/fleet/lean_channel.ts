/**
 * Unary gRPC calls with as little work as a call can be made with: the load shares the machine with
 * what it measures, so that what it spends is taken from both. This is just enough of HTTP/2 (RFC
 * 9113) and HPACK (RFC 7541) for it, without `node:http2`, which costs as much as a signature.
 *
 * A call is taken for answered when a message has come and its stream has ended: a gRPC server sends
 * none with an error.
 *
 * @module
 */

import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { encodeBase64 } from "@std/encoding";
import { concatBytes } from "../../keys/bytes.ts";
import { type Address, formatAddress } from "../../wire/address.ts";
import type { CallHeaders } from "../../wire/grpc/client.ts";
import { writeAll } from "../../wire/write_all.ts";

const FRAMES = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
} as const;
const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;
const FRAME_HEADER_BYTES = 9;
/** One byte "not compressed" and four of length, ahead of each message. */
const MESSAGE_PREFIX_BYTES = 5;
/** What was read is given back to the server in such portions, of the 64 KiB that it may send. */
const WINDOW_PORTION_BYTES = 32 * 1024;
/** No dynamic table, so that what the server sends need not be followed to be passed over. */
const SETTINGS = new Uint8Array([0, 1, 0, 0, 0, 0]);
const PREFACE = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** `:method: POST` and `:scheme: https` of the static table. */
const POST_HTTPS = new Uint8Array([0x83, 0x87]);

interface Waiting {
  readonly answered: (message: Uint8Array | undefined) => void;
  message?: Uint8Array;
}

/** A connection to a gRPC server with TLS. */
export class LeanChannel {
  readonly #connection: Deno.TlsConn;
  readonly #authority: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #encoded = new WeakMap<Uint8Array, string>();
  #lastStream = -1;
  #unacknowledged = 0;
  #written: Promise<void>;

  private constructor(connection: Deno.TlsConn, authority: string) {
    this.#connection = connection;
    this.#authority = authority;
    this.#written = writeAll(
      connection,
      concatBytes(PREFACE, frame(FRAMES.settings, 0, 0, SETTINGS)),
    );
    // What goes wrong fails the calls.
    this.#read().catch(() => {}).finally(() => this.close());
  }

  static async open(address: Address, rootCertificatesPem: string): Promise<LeanChannel> {
    const { host: hostname, port } = address;
    const plain = await Deno.connect({ hostname, port });
    plain.setNoDelay(true);
    const connection = await Deno.startTls(plain, {
      hostname,
      caCerts: [rootCertificatesPem],
      alpnProtocols: ["h2"],
    });
    return new LeanChannel(connection, formatAddress(address));
  }

  /** Sends a request and gives its answer; rejects when there is none. */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    headers: CallHeaders,
  ): Promise<MessageShape<O>> {
    const stream = this.#lastStream += 2;
    const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
    this.#waiting.set(stream, { answered: resolve });
    const body = toBinary(method.input, create(method.input, request));
    const message = new Uint8Array(MESSAGE_PREFIX_BYTES + body.length);
    new DataView(message.buffer).setUint32(1, body.length);
    message.set(body, MESSAGE_PREFIX_BYTES);
    const path = `/${method.parent.typeName}/${method.name}`;
    this.#send(concatBytes(
      frame(FRAMES.headers, END_HEADERS, stream, this.#headerBlock(path, headers)),
      frame(FRAMES.data, END_STREAM, stream, message),
    ));
    const answer = await promise;
    if (!answer) throw new Error(`${method.name} was not answered.`);
    return fromBinary(method.output, answer.subarray(MESSAGE_PREFIX_BYTES));
  }

  close(): void {
    try {
      this.#connection.close();
    } catch {
      // It is closed already.
    }
    for (const { answered } of this.#waiting.values()) answered(undefined);
    this.#waiting.clear();
  }

  #send(bytes: Uint8Array): void {
    this.#written = this.#written.then(() => writeAll(this.#connection, bytes))
      .catch(() => this.close());
  }

  #headerBlock(path: string, { text = {}, bytes = {} }: CallHeaders): Uint8Array {
    const binary = Object.entries(bytes)
      .map(([name, value]) => [`${name}-bin`, this.#base64(value)] as const);
    const fields = [["content-type", "application/grpc"], ["te", "trailers"]] as const;
    return concatBytes(
      POST_HTTPS,
      // Literals without indexing, with `:path` and `:authority` of the static table.
      new Uint8Array([4]),
      text7(path),
      new Uint8Array([1]),
      text7(this.#authority),
      ...[...fields, ...Object.entries(text), ...binary].flatMap((
        [name, value],
      ) => [new Uint8Array(1), text7(name), text7(value)]),
    );
  }

  /** The same key goes with each call. */
  #base64(bytes: Uint8Array): string {
    const known = this.#encoded.get(bytes) ?? encodeBase64(bytes);
    this.#encoded.set(bytes, known);
    return known;
  }

  async #read(): Promise<void> {
    const chunk = new Uint8Array(16 * 1024);
    let rest: Uint8Array = new Uint8Array();
    for (;;) {
      const count = await this.#connection.read(chunk);
      if (count === null) return;
      let bytes: Uint8Array = concatBytes(rest, chunk.subarray(0, count));
      while (bytes.length >= FRAME_HEADER_BYTES) {
        const view = new DataView(bytes.buffer, bytes.byteOffset);
        const end = FRAME_HEADER_BYTES + (view.getUint32(0) >>> 8);
        if (bytes.length < end) break;
        const stream = view.getUint32(5) & 0x7fff_ffff;
        this.#take(
          view.getUint8(3),
          view.getUint8(4),
          stream,
          bytes.slice(FRAME_HEADER_BYTES, end),
        );
        bytes = bytes.subarray(end);
      }
      rest = bytes;
    }
  }

  #take(kind: number, flags: number, stream: number, payload: Uint8Array): void {
    if (kind === FRAMES.settings && (flags & ACK) === 0) {
      this.#send(frame(FRAMES.settings, ACK, 0));
    } else if (kind === FRAMES.ping && (flags & ACK) === 0) {
      this.#send(frame(FRAMES.ping, ACK, 0, payload));
    } else if (kind === FRAMES.goAway) {
      this.close();
    } else if (kind === FRAMES.data) {
      this.#giveBack(payload.length);
      const waiting = this.#waiting.get(stream);
      if (waiting) waiting.message = concatBytes(waiting.message ?? new Uint8Array(), payload);
    }
    const ends = (kind === FRAMES.data || kind === FRAMES.headers) && (flags & END_STREAM) !== 0;
    if (!ends && kind !== FRAMES.reset) return;
    const waiting = this.#waiting.get(stream);
    this.#waiting.delete(stream);
    waiting?.answered(waiting.message);
  }

  #giveBack(count: number): void {
    this.#unacknowledged += count;
    if (this.#unacknowledged < WINDOW_PORTION_BYTES) return;
    const payload = new Uint8Array(4);
    new DataView(payload.buffer).setUint32(0, this.#unacknowledged);
    this.#unacknowledged = 0;
    this.#send(frame(FRAMES.windowUpdate, 0, 0, payload));
  }
}

function frame(
  kind: number,
  flags: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(),
) {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length << 8 | kind);
  view.setUint8(4, flags);
  view.setUint32(5, stream);
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}

/** A string literal of HPACK, not Huffman-coded, with its length in seven bits or more. */
function text7(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  const length: number[] = [Math.min(bytes.length, 127)];
  if (bytes.length >= 127) {
    let left = bytes.length - 127;
    for (; left >= 128; left = left >>> 7) length.push(left & 127 | 128);
    length.push(left);
  }
  return concatBytes(new Uint8Array(length), bytes);
}
