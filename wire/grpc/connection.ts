/**
 * The connection a gRPC call came in on. grpc-js does not show it, and the rule that lets a killed
 * SuperNode come back at once depends on knowing that its old connection is gone, so this one file
 * looks behind the call for the HTTP/2 session.
 *
 * @module
 */

import type { ServerInterceptingCallInterface } from "@grpc/grpc-js";
import type { Connection } from "../connection.ts";

interface Session {
  readonly closed: boolean;
  once(event: "close", listener: () => void): unknown;
}

const connections = new WeakMap<Session, Connection>();

/** The connection of `call`; the same object each time for calls of one HTTP/2 session. */
export function connectionOf(call: ServerInterceptingCallInterface): Connection {
  const session: unknown = Reflect.get(Object(Reflect.get(call, "stream")), "session");
  if (!isSession(session)) return { peer: call.getPeer(), closed: AbortSignal.abort() };
  const known = connections.get(session);
  if (known) return known;

  const closed = new AbortController();
  if (session.closed) closed.abort();
  else session.once("close", () => closed.abort());
  const connection = { peer: call.getPeer(), closed: closed.signal };
  connections.set(session, connection);
  return connection;
}

function isSession(value: unknown): value is Session {
  return typeof value === "object" && value !== null && "once" in value && "closed" in value;
}
