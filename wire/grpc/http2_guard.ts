/**
 * Keeps peers from ending this process through faults in Deno's `node:http2` and in grpc-js. Each
 * needs no proof and no more than a few bytes, and `tests/hostile_peers_test.ts` shows it:
 *
 * - Deno 2.9.6 closes, and so frees, a session in the middle of nghttp2's work on what the peer sent
 *   (a GOAWAY frame, which gRPC clients send when they end, or an answer to a ping that was not
 *   sent), and nghttp2 goes on with memory that is free. One in a few thousand crashes the process.
 *   Here the close waits until that work is done, as it does in Node.
 * - grpc-js answers a call for a method that it does not have, although the peer has reset the stream
 *   meanwhile, and that throws where nobody catches. Here such a stream is not announced.
 * - A session that ends in a protocol error ends its streams with that error, before anybody listens
 *   for one, and it is thrown. Here somebody listens from the start.
 *
 * @module
 */

import http2 from "node:http2";
import { EventEmitter } from "node:events";
import process from "node:process";

type Method = (this: object, ...args: unknown[]) => unknown;

/** The methods of the handle behind a session in which nghttp2 is at work and calls back. */
const HANDLE_METHODS = ["receive", "getOutgoingChunk", "sendPending"];

let guarded = false;
let handlesGuarded = false;
/** How many calls into nghttp2 are on the stack. */
let depth = 0;

/** Guards all HTTP/2 sessions of this process, those of servers and of clients. */
export function guardHttp2(): void {
  if (guarded) return;
  guarded = true;
  const prototype = prototypeOfSessions();
  wrap(prototype, "emit", (emit) =>
    function (event, ...args) {
      // Sessions tell of their first listeners before they receive anything.
      if (!handlesGuarded) guardHandles(this);
      const [stream] = args;
      if (event === "stream" && stream instanceof EventEmitter) {
        stream.on("error", () => {});
        if (Reflect.get(stream, "destroyed") === true) return false;
      }
      return emit.call(this, event, ...args);
    });
  for (const name of ["close", "destroy"]) {
    wrap(prototype, name, (method) =>
      function (...args) {
        if (depth === 0) return method.apply(this, args);
        process.nextTick(() => method.apply(this, args));
      });
  }
}

function guardHandles(session: object): void {
  const handle = Object.getOwnPropertySymbols(session)
    .filter(({ description }) => description === "kHandle")
    .map((symbol): unknown => Reflect.get(session, symbol))
    .find(isObject);
  if (!handle) return;
  handlesGuarded = true;
  for (const name of HANDLE_METHODS) {
    wrap(Object.getPrototypeOf(handle), name, (method) =>
      function (...args) {
        depth++;
        try {
          return method.apply(this, args);
        } finally {
          depth--;
        }
      });
  }
}

function prototypeOfSessions(): object {
  const constructor: unknown = Reflect.get(http2, "Http2Session");
  const prototype: unknown = typeof constructor === "function" ? constructor.prototype : undefined;
  if (isObject(prototype)) return prototype;
  throw new Error("This release of Deno has no HTTP/2 sessions where Trellis looks for them.");
}

function wrap(prototype: object, name: string, make: (method: Method) => Method): void {
  const method: unknown = Reflect.get(prototype, name);
  if (!isMethod(method)) {
    throw new Error(`This release of Deno has no HTTP/2 method "${name}" for Trellis to guard.`);
  }
  const value = make(method);
  Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
}

function isMethod(value: unknown): value is Method {
  return typeof value === "function";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
