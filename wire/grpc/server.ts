/**
 * Serves protobuf services over gRPC, bound from their descriptors.
 *
 * A call is admitted on its headers alone: `admit` runs before any byte of the body is read, and a
 * call that it refuses never gets to send one.
 *
 * @module
 */

import * as grpc from "@grpc/grpc-js";
import type { Buffer } from "node:buffer";
import type { DescMethod } from "@bufbuild/protobuf";
import { isForLog, STATUS_NUMBERS, StatusError, toStatusError } from "../status.ts";
import type { ServerTls } from "../tls.ts";
import { type Address, formatAddress } from "../address.ts";
import { decodeRequest } from "../decode_request.ts";
import { encode, encodeParts } from "../encode.ts";
import { ListenError } from "../listen_error.ts";
import { CallObservation, type ObserveCall } from "../observed_call.ts";
import type { IncomingCall, RequestHeaders, Service } from "../service.ts";
import { connectionOf } from "./connection.ts";
import { widenWindows } from "./flow_control.ts";
import { grpcHeaders } from "./headers.ts";
import { limitMessage, streamOf } from "./http2_call.ts";
import { LargeAnswer, sendLarge } from "./large_answer.ts";
import { methodDefinition } from "./method_definition.ts";
import { TlsCredentials } from "./tls_credentials.ts";
import { guardHttp2 } from "./http2_guard.ts";

/** How a {@linkcode GrpcServer} listens. Sizes are bytes, times milliseconds. */
export interface GrpcServerOptions {
  /** Certificate and key; plaintext HTTP/2 without. */
  readonly tls?: ServerTls | undefined;
  /** The largest request that is read and answer that is sent. */
  readonly maxMessageBytes: number;
  /** A quiet connection is pinged this often, and dropped when no answer comes in time. */
  readonly keepaliveTimeMs?: number;
  readonly keepaliveTimeoutMs?: number;
  /** Told of every call that ends in an error whose cause the peer is not shown. */
  readonly onInternalError?: (method: string, error: unknown) => void;
  /** Told of every call once it has ended. */
  readonly onCall?: ObserveCall | undefined;
}

/** Concurrent streams of one connection, as in Flower 1.25.0. */
const MAX_CONCURRENT_STREAMS = 1000;

/** One listening gRPC server. */
export class GrpcServer {
  readonly #server: grpc.Server;
  readonly #options: GrpcServerOptions;
  readonly #admitted = new WeakMap<grpc.Metadata, CallObservation>();
  readonly #services = new Map<string, Service>();
  #tls: TlsCredentials | undefined;

  constructor(options: GrpcServerOptions) {
    guardHttp2();
    this.#options = options;
    // What goes wrong is thrown or told to the peer; grpc-js would write to stderr besides.
    if (!Deno.env.has("GRPC_VERBOSITY")) grpc.setLogVerbosity(grpc.logVerbosity.NONE);
    this.#server = new grpc.Server({
      "grpc.max_receive_message_length": options.maxMessageBytes,
      "grpc.max_send_message_length": options.maxMessageBytes,
      "grpc.max_concurrent_streams": MAX_CONCURRENT_STREAMS,
      "grpc.keepalive_time_ms": options.keepaliveTimeMs ?? 30_000,
      "grpc.keepalive_timeout_ms": options.keepaliveTimeoutMs ?? 10_000,
      interceptors: [(method, call) => this.#admitFirst(method.path, call)],
    });
  }

  /** Adds a service. A method that it does not implement is admitted and then `UNIMPLEMENTED`. */
  add(service: Service): void {
    this.#services.set(service.descriptor.typeName, service);
    const definition: Record<string, grpc.MethodDefinition<unknown, Uint8Array>> = {};
    const handlers: grpc.UntypedServiceImplementation = {};
    for (const method of service.descriptor.methods) {
      definition[method.name] = methodDefinition(service.descriptor, method);
      handlers[method.name] = method.methodKind === "server_streaming"
        ? (call: grpc.ServerWritableStream<Buffer, Uint8Array>) =>
          this.#observed(service, method, call, (seen) => this.#stream(service, method, call, seen))
        : (call: grpc.ServerUnaryCall<Buffer, Uint8Array>, done: grpc.sendUnaryData<Answer>) =>
          this.#observed(service, method, call, (seen) => {
            return this.#unary(service, method, call, done, seen);
          });
    }
    this.#server.addService(definition, handlers);
  }

  /**
   * Listens on `address` and gives the address really used (port 0 takes a free port).
   * Throws {@linkcode ListenError} when the port is taken or the host is not this machine's.
   */
  async listen(address: Address): Promise<Address> {
    const { tls } = this.#options;
    this.#tls = tls && new TlsCredentials(tls);
    const credentials = this.#tls ?? grpc.ServerCredentials.createInsecure();
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#server.bindAsync(formatAddress(address), credentials, (error, port) => {
      if (error) reject(error);
      else resolve(port);
    });
    try {
      return { host: address.host, port: await promise };
    } catch (cause) {
      this.#server.forceShutdown();
      throw new ListenError(address, cause);
    }
  }

  /** New connections see this certificate, where the server has one at all. */
  changeTls(tls: ServerTls): void {
    this.#tls?.change(tls);
  }

  /** Takes no new calls and waits for the ones under way, up to `graceMs`; then cuts them off. */
  async drain(graceMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.#server.forceShutdown();
      resolve();
    }, graceMs);
    this.#server.tryShutdown(() => resolve());
    await promise;
    clearTimeout(timer);
  }

  #admitFirst(
    path: string,
    call: grpc.ServerInterceptingCallInterface,
  ): grpc.ServerInterceptingCall {
    const [, serviceName = "", method = ""] = path.split("/");
    const service = this.#services.get(serviceName);
    const connection = connectionOf(call);
    const admit = async (
      metadata: grpc.Metadata,
      headers: RequestHeaders,
      seen: CallObservation,
      next: (metadata: grpc.Metadata) => void,
    ) => {
      try {
        if (!service) throw new StatusError("UNIMPLEMENTED", "Method not found!");
        const { peer } = connection;
        let limited = false;
        const incoming: IncomingCall = {
          ...{ method, headers, peer, connection, patienceMs: Infinity, ended: seen.ended },
          limitBody(bytes) {
            limited = true;
            limitMessage(call, bytes);
          },
          sendHeaders: (sent) => call.sendMetadata(textMetadata(sent)),
        };
        seen.caller = await service.admit(incoming);
        this.#admitted.set(metadata, seen);
        if (!limited) widenWindows(call);
      } catch (error) {
        call.sendStatus(this.#refusal(path, error, seen));
        return;
      }
      next(metadata);
    };
    return new AnsweringCall(call, {
      start: (next) =>
        next(
          new grpc.ServerListenerBuilder()
            .withOnReceiveMetadata((metadata, nextMetadata) => {
              const headers = grpcHeaders(metadata);
              const seen = this.#observation(service, method, headers);
              // Also when its body is broken off.
              streamOf(call).once("close", () => seen.end("CANCELLED"));
              void seen.run(() => admit(metadata, headers, seen, nextMetadata));
            })
            .build(),
        ),
    });
  }

  async #unary(
    service: Service,
    method: DescMethod,
    call: grpc.ServerUnaryCall<Buffer, Uint8Array>,
    done: grpc.sendUnaryData<Answer>,
    seen: CallObservation,
  ): Promise<void> {
    const cancelled = new AbortController();
    let answered = false;
    call.once("cancelled", () => {
      if (!answered) cancelled.abort();
    });
    try {
      seen.bytesIn = call.request.length;
      const answer = await service.call(
        method,
        decodeRequest(method, call.request),
        seen.caller,
        cancelled.signal,
      );
      answered = true;
      const bytes = this.#answer(encodeParts(method.output, answer));
      done(null, bytes);
      if (!cancelled.signal.aborted) seen.bytesOut = sizeOf(bytes);
      seen.end(cancelled.signal.aborted ? "CANCELLED" : "OK");
    } catch (error) {
      answered = true;
      done(this.#refusal(call.getPath(), error, seen));
    }
  }

  async #stream(
    service: Service,
    method: DescMethod,
    call: grpc.ServerWritableStream<Buffer, Uint8Array>,
    seen: CallObservation,
  ): Promise<void> {
    const cancelled = new AbortController();
    call.once("cancelled", () => {
      cancelled.abort();
      seen.end("CANCELLED");
    });
    // Flower's CLI waits for the headers before it reads the stream.
    call.sendMetadata(new grpc.Metadata());
    try {
      seen.bytesIn = call.request.length;
      const answers = service.stream(
        method,
        decodeRequest(method, call.request),
        seen.caller,
        cancelled.signal,
      );
      for await (const answer of answers) {
        if (cancelled.signal.aborted) return;
        const bytes = encode(method.output, answer);
        seen.bytesOut += bytes.length;
        if (!call.write(bytes)) await drained(call, cancelled.signal);
      }
      call.end();
      seen.end("OK");
    } catch (error) {
      if (!cancelled.signal.aborted) {
        call.emit("error", this.#refusal(call.getPath(), error, seen));
      }
    }
  }

  #answer([bytes, ...rest]: [Uint8Array, ...Uint8Array[]]): Answer {
    if (rest.length === 0) return bytes;
    const answer = new LargeAnswer([bytes, ...rest]);
    if (answer.sizeBytes <= this.#options.maxMessageBytes) return answer;
    throw new StatusError(
      "RESOURCE_EXHAUSTED",
      `The answer has ${answer.sizeBytes} bytes; ${this.#options.maxMessageBytes} are sent at most.`,
    );
  }

  /** Answers a call within its observation, which began when its headers came. */
  #observed(
    service: Service,
    method: DescMethod,
    { metadata }: { readonly metadata: grpc.Metadata },
    answer: (seen: CallObservation) => Promise<void>,
  ): void {
    const seen = this.#admitted.get(metadata) ?? this.#observation(service, method.name);
    void seen.run(() => answer(seen));
  }

  #observation(
    service: Service | undefined,
    method: string,
    headers?: RequestHeaders,
  ): CallObservation {
    const known = service?.descriptor.methods.some(({ name }) => name === method);
    const told = {
      transport: "grpc",
      service: service?.descriptor.typeName ?? "",
      method: known ? method : "",
    } as const;
    return new CallObservation(this.#options.onCall, told, headers);
  }

  #refusal(path: string, error: unknown, seen: CallObservation): { code: number; details: string } {
    const status = toStatusError(error);
    seen.end(status.status);
    if (isForLog(status)) this.#options.onInternalError?.(path, error);
    return { code: STATUS_NUMBERS[status.status], details: status.message };
  }
}

/** What grpc-js is given to send: a message's bytes, or what is sent past it. */
type Answer = Uint8Array | LargeAnswer;

function sizeOf(answer: Answer): number {
  return answer instanceof LargeAnswer ? answer.sizeBytes : answer.length;
}

class AnsweringCall extends grpc.ServerInterceptingCall {
  readonly #call: grpc.ServerInterceptingCallInterface;

  constructor(call: grpc.ServerInterceptingCallInterface, responder: grpc.Responder) {
    super(call, responder);
    this.#call = call;
  }

  override sendMessage(message: Answer, sent: () => void): void {
    if (!(message instanceof LargeAnswer)) return super.sendMessage(message, sent);
    this.sendMetadata(new grpc.Metadata());
    void sendLarge(streamOf(this.#call), message).then(sent);
  }
}

function textMetadata(headers: Readonly<Record<string, string>>): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

function drained(
  call: grpc.ServerWritableStream<Buffer, Uint8Array>,
  cancelled: AbortSignal,
): Promise<void> {
  if (cancelled.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      call.off("drain", done);
      cancelled.removeEventListener("abort", done);
      resolve();
    };
    call.once("drain", done);
    cancelled.addEventListener("abort", done);
  });
}
