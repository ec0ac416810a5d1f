/**
 * Serves protobuf services over HTTP (Flower 1.35 and newer), bound from their descriptors, as one
 * function from request to response that knows no server.
 *
 * A call is admitted on its headers, as over gRPC: nothing of a body is read before. So an unproved
 * caller that also sends no protobuf is told the former (Flower tells the latter).
 *
 * @module
 */

import { type DescMethod, fromBinary, type Message } from "@bufbuild/protobuf";
import { encode } from "../encode.ts";
import { flowerError } from "../flower_error.ts";
import { CallObservation, type ObserveCall } from "../observed_call.ts";
import type { Service } from "../service.ts";
import { isForLog, StatusError, toStatusError } from "../status.ts";
import { announcedLength, BodyError, readBody } from "./body.ts";
import { errorResponse, httpErrorOf, UNREADABLE_HOST } from "./errors.ts";
import { httpHeaders } from "./headers.ts";
import { isProtobuf, PROTOBUF } from "./media_types.ts";
import { pathOf } from "./route.ts";
import { streamResponse } from "./stream_response.ts";

/** A service and what its API allows. */
export interface HttpBinding {
  readonly service: Service;
  /** The largest request that is read. */
  readonly maxMessageBytes: number;
}

/** Options of {@linkcode httpHandler}. */
export interface HttpHandlerOptions {
  readonly bindings: readonly HttpBinding[];
  /** Told of every call that ends in an error whose cause the peer is not shown. */
  readonly onInternalError?: (method: string, error: unknown) => void;
  /** Told of every call once it has ended. */
  readonly onCall?: ObserveCall | undefined;
  /** Answers `/health`; always when absent. */
  readonly isServing?: () => boolean;
  /** How long a body may stop coming, in milliseconds. */
  readonly bodyIdleMs?: number;
}

/** Answers a request; `peer` is the `address:port` that it came from, or `unknown`. */
export type HttpHandler = (request: Request, peer: string) => Promise<Response>;

interface Route {
  readonly binding: HttpBinding;
  readonly method: DescMethod;
}

/** Flower's HTTP clients wait 30 s for an answer; what is left is for its way. */
const PEER_PATIENCE_MS = 25_000;
const BODY_IDLE_MS = 30_000;
/** Answers are for one caller, and two of them are secrets. */
const NO_STORE = { "cache-control": "no-store" } as const;

/** Makes the handler of some services and `/health`. */
export function httpHandler(options: HttpHandlerOptions): HttpHandler {
  const { isServing = () => true, bodyIdleMs = BODY_IDLE_MS } = options;
  const routes = new Map<string, Route>();
  for (const binding of options.bindings) {
    for (const method of binding.service.descriptor.methods) {
      routes.set(pathOf(method), { binding, method });
    }
  }

  const handle = async (request: Request, peer: string): Promise<Response> => {
    // A host that is none makes no URL (RFC 9112, section 3.2).
    const pathname = URL.parse(request.url)?.pathname;
    if (pathname === undefined) return errorResponse(UNREADABLE_HOST);
    if (pathname === "/health") return health(request, isServing());
    const route = routes.get(pathname);
    if (!route) return noRoute(pathname, routes);
    if (request.method !== "POST") {
      return errorResponse({ status: 405, detail: "Method Not Allowed" }, { allow: "POST" });
    }
    const told = {
      transport: "http",
      service: route.binding.service.descriptor.typeName,
      method: route.method.name,
    } as const;
    const seen = new CallObservation(options.onCall, told, httpHeaders(request.headers));
    try {
      return await seen.run(() => answer(request, peer, route, seen));
    } catch (error) {
      const refusal = toStatusError(error);
      seen.end(refusal.status);
      if (isForLog(refusal)) options.onInternalError?.(pathname, error);
      return errorResponse(httpErrorOf(refusal), NO_STORE);
    }
  };

  const answer = async (
    request: Request,
    peer: string,
    { binding, method }: Route,
    seen: CallObservation,
  ) => {
    const { service } = binding;
    let { maxMessageBytes } = binding;
    if (!isProtobuf(request.headers.get("content-type"))) {
      throw flowerError("unsupportedContentType");
    }
    if ((announcedLength(request.headers) ?? 0) > maxMessageBytes) throw tooLarge(maxMessageBytes);
    seen.caller = await service.admit({
      method: method.name,
      headers: httpHeaders(request.headers),
      peer,
      patienceMs: PEER_PATIENCE_MS,
      ended: seen.ended,
      limitBody: (bytes) => maxMessageBytes = Math.min(maxMessageBytes, bytes),
    });
    const body = await bodyOf(request, maxMessageBytes, bodyIdleMs);
    seen.bytesIn = body.length;
    const message = decode(method, body);
    const call = { service, method, message, seen, ended: request.signal };
    return method.methodKind === "server_streaming"
      ? await streamResponse(call, (error) => options.onInternalError?.(pathOf(method), error))
      : await unaryResponse(call);
  };

  return handle;
}

/** A call that was admitted and read. */
export interface AdmittedCall {
  readonly service: Service;
  readonly method: DescMethod;
  readonly message: Message;
  /** Who calls, and what is noted of the call. */
  readonly seen: CallObservation;
  /** Aborts when the peer is gone; where Deno's older rule holds, also when all was answered. */
  readonly ended: AbortSignal;
}

async function unaryResponse({ service, method, message, seen, ended }: AdmittedCall) {
  const gone = new AbortController();
  const leave = () => gone.abort();
  ended.addEventListener("abort", leave);
  if (ended.aborted) leave();
  try {
    const answered = await service.call(method, message, seen.caller, gone.signal);
    const bytes = encode(method.output, answered);
    if (!gone.signal.aborted) seen.bytesOut = bytes.length;
    seen.end(gone.signal.aborted ? "CANCELLED" : "OK");
    return new Response(bytes, { headers: { "content-type": PROTOBUF, ...NO_STORE } });
  } finally {
    ended.removeEventListener("abort", leave);
  }
}

async function bodyOf(request: Request, maxBytes: number, idleMs: number): Promise<Uint8Array> {
  try {
    return await readBody(request, { maxBytes, idleMs });
  } catch (error) {
    if (!(error instanceof BodyError)) {
      throw new StatusError("CANCELLED", "The request was broken off.", { cause: error });
    }
    if (error.reason === "too large") throw tooLarge(maxBytes);
    throw new StatusError("DEADLINE_EXCEEDED", "The request stopped coming.", {
      http: { status: 408, detail: "The request stopped coming." },
    });
  }
}

function decode(method: DescMethod, bytes: Uint8Array): Message {
  try {
    return fromBinary(method.input, bytes);
  } catch (cause) {
    throw flowerError("invalidProtobuf", { cause });
  }
}

function tooLarge(maxBytes: number): StatusError {
  const detail = `The request is larger than ${maxBytes} bytes.`;
  return new StatusError("RESOURCE_EXHAUSTED", detail, { http: { status: 413, detail } });
}

function health(request: Request, serving: boolean): Response {
  const asked = request.method === "GET" || request.method === "HEAD";
  if (asked) return new Response(null, { status: serving ? 200 : 503 });
  return errorResponse({ status: 405, detail: "Method Not Allowed" }, { allow: "GET, HEAD" });
}

function noRoute(pathname: string, routes: ReadonlyMap<string, Route>): Response {
  const withoutSlash = pathname.replace(/\/$/, "");
  if (!routes.has(withoutSlash)) return errorResponse({ status: 404, detail: "Not Found" });
  return new Response(null, { status: 307, headers: { location: withoutSlash } });
}
