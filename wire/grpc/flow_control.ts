/**
 * How many bytes a peer may send ahead of being read (RFC 9113, section 5.2).
 *
 * HTTP/2 begins with 64 KiB: a model of 100 MB then stops 1,600 times, for as long as its way takes
 * and each end needs to look after it. Larger windows are for peers that somebody let in, because what
 * was sent ahead is held in memory.
 *
 * @module
 */

import type { ServerInterceptingCallInterface } from "@grpc/grpc-js";
import { sessionOf } from "./http2_call.ts";

/** Of a connection, and of each of its streams; 80 MB a second at 50 ms from end to end and back. */
export const WINDOW_BYTES = 4 * 1024 * 1024;

const widened = new WeakSet<object>();

/** Lets the peer that made `call`, which was let in, send more ahead from now on. */
export function widenWindows(call: ServerInterceptingCallInterface): void {
  const session = sessionOf(call);
  if (!session || widened.has(session) || session.closed) return;
  widened.add(session);
  session.settings({ initialWindowSize: WINDOW_BYTES });
  session.setLocalWindowSize(WINDOW_BYTES);
}
