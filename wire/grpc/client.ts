/**
 * Calls protobuf services over gRPC, bound from their descriptors.
 *
 * @module
 */

import * as grpc from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import {
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { type Address, formatAddress } from "../address.ts";
import { callTracer, type ClientSpan, tracedCall } from "../call_tracer.ts";
import { encode } from "../encode.ts";
import { STATUS_NUMBERS, StatusError, type StatusName, statusName } from "../status.ts";
import { plainCredentials, tlsCredentials } from "./channel_credentials.ts";
import { WINDOW_BYTES } from "./flow_control.ts";
import { guardHttp2 } from "./http2_guard.ts";

/** How a client trusts its server: not at all, or by root certificates (the system's if absent). */
export type ClientSecurity =
  | { readonly insecure: true }
  | { readonly insecure: false; readonly rootCertificatesPem?: string | undefined };

/** Options of a {@linkcode GrpcChannel}. */
export interface GrpcChannelOptions {
  /** The largest answer that is read and request that is sent, in bytes. */
  readonly maxMessageBytes?: number;
  /** When set, a quiet connection with a call under way is pinged this often. */
  readonly keepaliveTimeMs?: number;
}

/** Metadata of one call; binary values are sent under their name with `-bin`. */
export interface CallHeaders {
  readonly text?: Readonly<Record<string, string>>;
  readonly bytes?: Readonly<Record<string, Uint8Array>>;
}

/** Options of one call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  readonly headers?: CallHeaders | undefined;
}

/** As in Flower 1.25.0. */
const UNLIMITED_MESSAGE_BYTES = 2_147_483_647;

/** One connection to a gRPC server, made when the first call needs it and again when it is lost. */
export class GrpcChannel {
  readonly #client: grpc.Client;
  readonly #callsUnderWay = new Set<{ cancel(): void }>();
  #connections = 0;

  constructor(address: Address, security: ClientSecurity, options: GrpcChannelOptions = {}) {
    guardHttp2();
    const maxMessageBytes = options.maxMessageBytes ?? UNLIMITED_MESSAGE_BYTES;
    const credentials = security.insecure
      ? plainCredentials()
      : tlsCredentials(address.host, security.rootCertificatesPem);
    this.#client = new grpc.Client(formatAddress(address), credentials, {
      "grpc.max_receive_message_length": maxMessageBytes,
      "grpc.max_send_message_length": maxMessageBytes,
      "grpc-node.flow_control_window": WINDOW_BYTES,
      // A channel of its own each, so that closing one never touches another's calls.
      "grpc.use_local_subchannel_pool": 1,
      // Retries are the caller's, who knows which calls may be repeated.
      "grpc.enable_retries": 0,
      ...(options.keepaliveTimeMs ? { "grpc.keepalive_time_ms": options.keepaliveTimeMs } : {}),
    });
    this.#countConnections(grpc.connectivityState.IDLE);
  }

  /** Whether there is a connection now. */
  get connected(): boolean {
    return this.#client.getChannel().getConnectivityState(false) === grpc.connectivityState.READY;
  }

  /** How many connections were made so far: one more than before means that one was lost. */
  get connections(): number {
    return this.#connections;
  }

  /** Makes a unary call. Throws a `StatusError` with the server's status and details. */
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    const { promise, resolve, reject } = Promise.withResolvers<MessageShape<O>>();
    const span = callTracer?.made(tracedCall("grpc", method));
    const fail = (error: StatusError) => {
      span?.end(error.status);
      reject(error);
    };
    const make = () =>
      this.#client.makeUnaryRequest<MessageInitShape<I>, MessageShape<O>>(
        ...callArguments(method, request, options, span),
        (error, answer) => {
          this.#callsUnderWay.delete(call);
          forget();
          if (error) return fail(fromServiceError(error));
          if (answer === undefined) return fail(new StatusError("INTERNAL", "No answer was sent."));
          span?.end("OK");
          resolve(answer);
        },
      );
    const call = span ? span.run(make) : make();
    this.#callsUnderWay.add(call);
    const forget = cancelOnAbort(call, options.signal);
    return promise;
  }

  /** Makes a server-streaming call; leaving the loop early cancels it. */
  async *serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): AsyncGenerator<MessageShape<O>> {
    const span = callTracer?.made(tracedCall("grpc", method));
    const make = () =>
      this.#client.makeServerStreamRequest<MessageInitShape<I>, MessageShape<O>>(
        ...callArguments(method, request, options, span),
      );
    const call = span ? span.run(make) : make();
    let ended: StatusName = "CANCELLED";
    this.#callsUnderWay.add(call);
    const forget = cancelOnAbort(call, options.signal);
    try {
      for await (const answer of call) yield answer;
      ended = "OK";
    } catch (error) {
      const failure = isServiceError(error) ? fromServiceError(error) : error;
      ended = failure instanceof StatusError ? failure.status : "UNKNOWN";
      throw failure;
    } finally {
      span?.end(ended);
      this.#callsUnderWay.delete(call);
      forget();
      call.cancel();
    }
  }

  /** Closes the connection; calls under way end with `CANCELLED`. */
  close(): void {
    // Left alone, grpc-js would wait for them.
    for (const call of this.#callsUnderWay) call.cancel();
    this.#client.close();
  }

  #countConnections(state: grpc.connectivityState): void {
    const channel = this.#client.getChannel();
    channel.watchConnectivityState(state, Infinity, (closed) => {
      if (closed) return;
      const next = channel.getConnectivityState(false);
      if (next === grpc.connectivityState.READY) this.#connections++;
      if (next !== grpc.connectivityState.SHUTDOWN) this.#countConnections(next);
    });
  }
}

function pathOf(method: DescMethodUnary | DescMethodServerStreaming): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** What grpc-js is told of a call, whichever kind it is. */
function callArguments<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O> | DescMethodServerStreaming<I, O>,
  request: MessageInitShape<I>,
  options: CallOptions,
  span: ClientSpan | undefined,
) {
  return [
    pathOf(method),
    (message: MessageInitShape<I>) => asBuffer(encode(method.input, message)),
    (bytes: Buffer) => fromBinary(method.output, bytes),
    request,
    metadataOf(options.headers, span?.headers),
    deadlineOf(options),
  ] as const;
}

function metadataOf(
  headers: CallHeaders | undefined,
  traceHeaders: CallHeaders["text"] = {},
): grpc.Metadata {
  const metadata = new grpc.Metadata();
  const texts = { ...headers?.text, ...traceHeaders };
  for (const [name, value] of Object.entries(texts)) metadata.set(name, value);
  for (const [name, value] of Object.entries(headers?.bytes ?? {})) {
    metadata.set(`${name}-bin`, Buffer.from(value));
  }
  return metadata;
}

function deadlineOf({ timeoutMs }: CallOptions): grpc.CallOptions {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
}

function cancelOnAbort(call: { cancel(): void }, signal: AbortSignal | undefined): () => void {
  if (!signal) return () => {};
  const cancel = () => call.cancel();
  if (signal.aborted) queueMicrotask(cancel);
  else signal.addEventListener("abort", cancel, { once: true });
  return () => signal.removeEventListener("abort", cancel);
}

function isServiceError(error: unknown): error is grpc.ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number" &&
    "details" in error && typeof error.details === "string";
}

function fromServiceError(error: grpc.ServiceError): StatusError {
  const status = isBrokenConnection(error) ? "UNAVAILABLE" : statusName(error.code);
  return new StatusError(status, error.details, { cause: error });
}

/**
 * Whether the connection broke while it was written to. grpc-js says `UNAVAILABLE` of one that is
 * reset, and `INTERNAL` of the same thing noticed a moment earlier (`write EPIPE`).
 */
function isBrokenConnection({ code, details }: grpc.ServiceError): boolean {
  return code === STATUS_NUMBERS.INTERNAL && details.includes("triggered by internal client error");
}
