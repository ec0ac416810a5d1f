/**
 * The connection a gRPC call came in on: the rule that lets a killed SuperNode come back at once
 * depends on knowing that its old connection is gone.
 *
 * @module
 */

import type { ServerInterceptingCallInterface } from "@grpc/grpc-js";
import type { Connection } from "../connection.ts";
import { type Session, sessionOf } from "./http2_call.ts";

const connections = new WeakMap<Session, Connection>();

/** The connection of `call`; the same object each time for calls of one HTTP/2 session. */
export function connectionOf(call: ServerInterceptingCallInterface): Connection {
  const session = sessionOf(call);
  if (!session) return { peer: call.getPeer(), closed: AbortSignal.abort() };
  const known = connections.get(session);
  if (known) return known;

  const closed = new AbortController();
  if (session.closed) closed.abort();
  else session.once("close", () => closed.abort());
  const connection = { peer: call.getPeer(), closed: closed.signal };
  connections.set(session, connection);
  return connection;
}
