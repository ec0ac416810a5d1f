/**
 * gRPC calls taken apart, for what no gRPC library lets a test do: repeat a header, send headers
 * alone, wait with the body.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import * as http2 from "node:http2";
import {
  create,
  type DescMessage,
  type DescMethod,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type Address, formatAddress } from "../address.ts";
import { type StatusName, statusName } from "../status.ts";

/** Metadata as it is on the wire; a list is a header that is sent several times. */
export type RawHeaders = Readonly<Record<string, string | readonly string[]>>;

/** A call of which the headers have been sent. */
export interface RawCall {
  /** Sends bytes as one message, and that it was the last. */
  sendBytes(body: Uint8Array): void;
  /** Sends a request, and that it was the last. */
  send<I extends DescMessage>(schema: I, message: MessageInitShape<I>): void;
  /** Sends that no request will come. */
  end(): void;
  /** How the call ended. */
  readonly outcome: Promise<[StatusName, string]>;
}

/** One HTTP/2 connection without TLS; the end of its `await using` block closes it. */
export class RawConnection implements AsyncDisposable {
  readonly #session: http2.ClientHttp2Session;

  private constructor(session: http2.ClientHttp2Session) {
    this.#session = session;
  }

  /** Connects. */
  static async open(address: Address): Promise<RawConnection> {
    const session = http2.connect(`http://${formatAddress(address)}`);
    await new Promise((resolve, reject) => session.once("connect", resolve).once("error", reject));
    return new RawConnection(session);
  }

  /** Sends the headers of a call. */
  call(method: DescMethod | string, headers: RawHeaders): RawCall {
    const path = typeof method === "string" ? method : `/${method.parent.typeName}/${method.name}`;
    const stream = this.#session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, value as string | string[]]),
      ),
    }, { endStream: false });
    const { promise, resolve, reject } = Promise.withResolvers<[StatusName, string]>();
    const look = (received: http2.IncomingHttpHeaders) => {
      const { "grpc-status": status, "grpc-message": text = "" } = received;
      if (status !== undefined) {
        resolve([statusName(Number(status)), decodeURIComponent(String(text))]);
      }
    };
    stream.on("response", look);
    stream.on("trailers", look);
    stream.on("error", reject);
    stream.on("close", () => reject(new Error("The stream ended without a status.")));
    stream.resume();
    // A test may be done with a call before the call is.
    promise.catch(() => {});
    const sendBytes = (body: Uint8Array) => {
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(body.length, 1);
      stream.end(Buffer.concat([prefix, body]));
    };
    return {
      outcome: promise,
      sendBytes,
      send: (schema, message) => sendBytes(toBinary(schema, create(schema, message))),
      end: () => void stream.end(),
    };
  }

  /** Comes back when the other side has read all that was sent before. */
  async settled(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#session.ping((error: Error | null) => error ? reject(error) : resolve());
    await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#session.once("close", () => resolve()));
    this.#session.destroy();
    await closed;
  }
}

/** Base64 without padding, as gRPC libraries write binary metadata. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replace(/=+$/, "");
}
