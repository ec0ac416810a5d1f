/**
 * What a transport needs to know of a service, and how a service is made from typed methods.
 * A method takes a decoded message and its caller, gives a message or throws a `StatusError`, and
 * does not know its transport.
 *
 * @module
 */

import type {
  DescMessage,
  DescMethod,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  Message,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { Connection } from "./connection.ts";
import { StatusError } from "./status.ts";

/** The headers of a call, the same for every transport. */
export interface RequestHeaders {
  /** A text header's only value. */
  text(name: string): string | undefined;
  /** A binary header's only value, decoded. */
  bytes(name: string): Uint8Array<ArrayBuffer> | undefined;
}

/** A call of which only the headers have come. */
export interface IncomingCall {
  /** The method's name, for example `PullMessages`. */
  readonly method: string;
  readonly headers: RequestHeaders;
  /** `address:port` of the peer, or `unknown`. */
  readonly peer: string;
  /**
   * What the call came in on. Absent where one peer uses connections as it likes, and their end says
   * nothing of it (HTTP/1.1).
   */
  readonly connection?: Connection;
  /** How long peers of this transport wait for an answer, in milliseconds. */
  readonly patienceMs: number;
  /** Comes when the call is over: it was answered or refused, or its peer is gone. */
  readonly ended: Promise<void>;
  /** Lets the body have so many bytes at most, of a peer that nobody knows. */
  limitBody(bytes: number): void;
  /** Sends text headers ahead of the answer, whatever that will be. Absent over HTTP. */
  readonly sendHeaders?: (headers: Readonly<Record<string, string>>) => void;
}

/** Who calls, as {@linkcode Service.admit} found, and a signal that aborts when they are gone. */
export interface Call<Caller> {
  readonly caller: Caller;
  readonly signal: AbortSignal;
}

/** One method of a service: unary gives a message, server streaming an iterable of them. */
export type Method<M, Caller> = M extends DescMethodUnary<infer I, infer O>
  ? (request: MessageShape<I>, call: Call<Caller>) => Promise<MessageInitShape<O>>
  : M extends DescMethodServerStreaming<infer I, infer O>
    ? (request: MessageShape<I>, call: Call<Caller>) => AsyncIterable<MessageInitShape<O>>
  : never;

/** The methods of a service, by their local names; one that is absent is `UNIMPLEMENTED`. */
export type Methods<S extends DescService, Caller> = {
  [K in keyof S["method"]]?: Method<S["method"][K], Caller>;
};

/** A service as a transport sees it: descriptors, bytes decoded and encoded by the transport. */
export interface Service {
  readonly descriptor: DescService;
  /** Judges a call on its headers; throws a `StatusError` to refuse it before its body is read. */
  admit(call: IncomingCall): Promise<unknown>;
  call(
    method: DescMethod,
    request: Message,
    caller: unknown,
    signal: AbortSignal,
  ): Promise<MessageInitShape<DescMessage>>;
  stream(
    method: DescMethod,
    request: Message,
    caller: unknown,
    signal: AbortSignal,
  ): AsyncIterable<MessageInitShape<DescMessage>>;
}

/** Makes a {@linkcode Service} of typed methods; `admit` makes the `Caller` that they are given. */
export function defineService<S extends DescService, Caller>(
  descriptor: S,
  admit: (call: IncomingCall) => Caller | Promise<Caller>,
  methods: Methods<S, Caller>,
): Service {
  const implementation = (method: DescMethod) => {
    const found: unknown = Reflect.get(methods, method.localName);
    if (typeof found !== "function") {
      throw new StatusError("UNIMPLEMENTED", `${method.name} is not available on this server.`);
    }
    return found;
  };
  return {
    descriptor,
    admit: async (call) => await admit(call),
    call: async (method, request, caller, signal) =>
      await implementation(method).call(methods, request, { caller, signal }),
    stream: (method, request, caller, signal) =>
      implementation(method).call(methods, request, { caller, signal }),
  };
}
