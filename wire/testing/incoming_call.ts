import type { IncomingCall } from "../service.ts";

/** A call as a transport would bring it: without headers, under way for ever, unless a test says other. */
export function incomingCall(
  call: Pick<IncomingCall, "method"> & Partial<IncomingCall>,
): IncomingCall {
  return {
    headers: { text: () => undefined, bytes: () => undefined },
    peer: "192.0.2.1:1000",
    patienceMs: Infinity,
    ended: new Promise(() => {}),
    limitBody() {},
    ...call,
  };
}
