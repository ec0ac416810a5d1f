/**
 * Unary gRPC calls with as little work as a call can be made with, on one HTTP/2 connection: the load
 * shares the machine with what it measures, so that what it spends is taken from both.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import http2 from "node:http2";
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
import { type Address, formatAddress } from "../../wire/address.ts";
import type { CallHeaders } from "../../wire/grpc/client.ts";

/** One byte "not compressed" and four of length, ahead of each message. */
const PREFIX_BYTES = 5;

/** A connection to a gRPC server with TLS. */
export class LeanChannel {
  readonly #session: http2.ClientHttp2Session;

  constructor(address: Address, rootCertificatesPem: string) {
    this.#session = http2.connect(`https://${formatAddress(address)}`, { ca: rootCertificatesPem });
    // What goes wrong fails the calls.
    this.#session.on("error", () => {});
  }

  /** Sends a request and gives its answer; rejects with the gRPC status when there is none. */
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    headers: CallHeaders,
  ): Promise<MessageShape<O>> {
    const { promise, resolve, reject } = Promise.withResolvers<MessageShape<O>>();
    const stream = this.#session.request({
      ":method": "POST",
      ":path": `/${method.parent.typeName}/${method.name}`,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers.text,
      ...binaryHeaders(headers),
    });
    const chunks: Uint8Array[] = [];
    let status: unknown;
    const note = (fields: http2.IncomingHttpHeaders) => status = fields["grpc-status"] ?? status;
    stream.on("response", note);
    stream.on("trailers", note);
    stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    stream.on("error", reject);
    stream.on("end", () => {
      if (status !== "0") return reject(new Error(`gRPC status ${status}`));
      resolve(fromBinary(method.output, Buffer.concat(chunks).subarray(PREFIX_BYTES)));
    });
    const body = toBinary(method.input, create(method.input, request));
    const frame = Buffer.alloc(PREFIX_BYTES + body.length);
    frame.writeUInt32BE(body.length, 1);
    frame.set(body, PREFIX_BYTES);
    stream.end(frame);
    return promise;
  }

  close(): void {
    this.#session.close();
  }
}

function binaryHeaders({ bytes = {} }: CallHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(bytes).map(([name, value]) => [`${name}-bin`, encodeBase64(value)]),
  );
}
