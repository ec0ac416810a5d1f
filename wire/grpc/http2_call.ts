/**
 * What is behind a call and grpc-js does not show: its HTTP/2 stream and session. This one file looks
 * there.
 *
 * @module
 */

import type { ServerInterceptingCallInterface } from "@grpc/grpc-js";

/** The HTTP/2 stream of a call, as far as it is used here. */
export interface Stream {
  write(bytes: Uint8Array, done: (error?: Error | null) => void): boolean;
  once(event: "close", listener: () => void): unknown;
}

/** The HTTP/2 session of a connection, as far as it is used here. */
export interface Session {
  readonly closed: boolean;
  once(event: "close", listener: () => void): unknown;
  settings(settings: { readonly initialWindowSize: number }): void;
  setLocalWindowSize(bytes: number): void;
}

const MESSAGE_LIMIT = "maxReadMessageLength";
const SESSION_MEMBERS = ["closed", "once", "settings", "setLocalWindowSize"];

/** The stream of a call. */
export function streamOf(call: ServerInterceptingCallInterface): Stream {
  const stream: unknown = Reflect.get(call, "stream");
  if (isObject(stream) && isStream(stream)) return stream;
  throw new Error("This release of grpc-js has no HTTP/2 stream where Trellis looks for it.");
}

/** The session that a call came in on; none when it is gone already. */
export function sessionOf(call: ServerInterceptingCallInterface): Session | undefined {
  const session: unknown = Reflect.get(Object(Reflect.get(call, "stream")), "session");
  return isObject(session) && isSession(session) ? session : undefined;
}

/** Lets a message of a call have so many bytes at most, of which it announces the number. */
export function limitMessage(call: ServerInterceptingCallInterface, bytes: number): void {
  const decoder: unknown = Reflect.get(call, "decoder");
  if (isObject(decoder) && typeof Reflect.get(decoder, MESSAGE_LIMIT) === "number") {
    Reflect.set(decoder, MESSAGE_LIMIT, bytes);
    return;
  }
  throw new Error("This release of grpc-js has no limit of a message where Trellis looks for it.");
}

function isStream(value: object): value is Stream {
  return "write" in value && "once" in value;
}

function isSession(value: object): value is Session {
  return SESSION_MEMBERS.every((name) => name in value);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
