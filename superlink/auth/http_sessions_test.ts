import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import type { NodeRow } from "../state/layout.ts";
import { TestClock } from "../testing/test_clock.ts";
import { HttpSessions } from "./http_sessions.ts";
import { incomingCall } from "../../wire/testing/incoming_call.ts";

const NODE_ID = 1n;

/** The sessions of one node whose heartbeats come every `intervalS` seconds. */
function stage(intervalS = 30) {
  const clock = new TestClock();
  const sessions = new HttpSessions(clock);
  const row: NodeRow = {
    nodeId: NODE_ID,
    keyId: "a key",
    fingerprint: "",
    publicKeyPem: new Uint8Array(),
    keyless: false,
    ownerId: "",
    ownerName: "",
    status: "online",
    registeredAt: 0,
    heartbeatIntervalS: intervalS,
  };
  const callOf = (node: NodeRow | undefined) => (method: string) => {
    const incoming = incomingCall({ method, patienceMs: 25_000 });
    return sessions.of("a key", node, incoming);
  };
  return { clock, sessions, call: callOf(row), strangersCall: callOf(undefined) };
}

Deno.test("A session lasts as long as its process calls", () => {
  const { clock, call } = stage();
  const session = call("ActivateNode");
  for (let count = 0; count < 10; count++) {
    clock.advance({ seconds: 22.5 });
    assertStrictEquals(call("SendNodeHeartbeat"), session);
  }
  assertStrictEquals(call("PullMessages"), session);
  assertEquals(session.closed.aborted, false);
});

Deno.test("A session whose process gave up its pull is closed, and the next call begins another", () => {
  const { call } = stage();
  const session = call("ActivateNode");
  call("PullMessages").gaveUp?.();
  assertEquals(session.closed.aborted, true);
  const next = call("SendNodeHeartbeat");
  assert(next !== session);
  assertEquals(next.closed.aborted, false);
});

for (const [intervalS, silentS, closed] of [[30, 29.9, false], [30, 30, true], [60, 59, false]]) {
  const verb = closed ? "is closed" : "lasts";
  Deno.test(`A session ${verb} after ${silentS} s of silence with heartbeats each ${intervalS} s`, () => {
    const { clock, call } = stage(Number(intervalS));
    const session = call("ActivateNode");
    call("SendNodeHeartbeat");
    clock.advance({ seconds: Number(silentS) });
    assertEquals<unknown>(session.closed.aborted, closed);
  });
}

Deno.test("A node that has not said its interval is given Flower's", () => {
  const { clock, call } = stage(0);
  const session = call("ActivateNode");
  clock.advance({ seconds: 29 });
  assertEquals(session.closed.aborted, false);
  clock.advance({ seconds: 1 });
  assertEquals(session.closed.aborted, true);
});

Deno.test("An activation that comes again with no other call between takes the place of the first", () => {
  const { call } = stage();
  const session = call("ActivateNode");
  const again = call("ActivateNode");
  assertEquals([session.closed.aborted, again.closed.aborted], [true, false]);
  assertStrictEquals(call("SendNodeHeartbeat"), again);
});

Deno.test("An activation does not touch the session of a process that calls", () => {
  const { call } = stage();
  const session = call("ActivateNode");
  call("SendNodeHeartbeat");
  const other = call("ActivateNode");
  assert(other !== session);
  assertEquals(session.closed.aborted, false);
  assertStrictEquals(call("SendNodeHeartbeat"), session);
});

Deno.test("A session that began without an activation, after a restart say, does not yield to one", () => {
  const { call } = stage();
  const session = call("SendNodeHeartbeat");
  call("ActivateNode");
  assertEquals(session.closed.aborted, false);
});

Deno.test("A process that deactivates its node ends its session", () => {
  const { call } = stage();
  const session = call("ActivateNode");
  assertStrictEquals(call("DeactivateNode"), session);
  assertEquals(session.closed.aborted, true);
});

Deno.test("No session is kept of keys without a node, and none of keys that were unregistered", () => {
  const { sessions, call, strangersCall } = stage();
  const first = strangersCall("RegisterNode");
  assert(strangersCall("RegisterNode") !== first);
  const session = call("ActivateNode");
  sessions.forget("a key");
  assertEquals(session.closed.aborted, true);
});

Deno.test("HttpSessions.prune() lets go of closed sessions only", () => {
  const { clock, sessions, call } = stage();
  const session = call("ActivateNode");
  sessions.prune();
  assertStrictEquals(call("SendNodeHeartbeat"), session);
  clock.advance({ seconds: 31 });
  sessions.prune();
  assert(call("SendNodeHeartbeat") !== session);
});
