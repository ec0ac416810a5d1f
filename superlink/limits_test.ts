import { assert, assertEquals, assertRejects } from "@std/assert";
import { Control } from "../proto/gen/flwr/proto/control_pb.ts";
import { defineService, type IncomingCall } from "../wire/service.ts";
import { StatusError } from "../wire/status.ts";
import { CallRate, withinRate } from "./call_rate.ts";
import { type CallLimits, callLimits, LIMIT_NAMES, limitOf, LIMITS_TABLE } from "./limits.ts";
import { superlinkSpec } from "./flags.ts";
import { limitLog } from "./limit_log.ts";
import { LogLines } from "./testing/log_lines.ts";
import { TestClock } from "./testing/test_clock.ts";
import { incomingCall } from "../wire/testing/incoming_call.ts";

const LIMITS: CallLimits = {
  hostPerMinute: 6,
  keyPerMinute: 3,
  names: { host: "fleet-calls-per-host", key: "fleet-calls-per-key" },
  status: "UNAVAILABLE",
};

function limited(callerOf: (call: IncomingCall) => unknown, limits = LIMITS) {
  const clock = new TestClock();
  const rate = new CallRate(limits, clock);
  const service = withinRate(defineService(Control, callerOf, {}), rate);
  const call = (peer: string) => service.admit(incomingCall({ method: "ListNodes", peer }));
  return { clock, call };
}

const CALLERS: readonly [string, unknown][] = [
  ["a SuperNode's key", { key: { id: "k" } }],
  ["a token", { holder: { tokenId: "t" } }],
  ["a run", { runId: 7n }],
];

for (const [who, caller] of CALLERS) {
  Deno.test(`The calls of ${who} are counted wherever they come from`, async () => {
    const { clock, call } = limited(() => caller);
    for (const host of ["192.0.2.1", "192.0.2.2", "192.0.2.3"]) await call(`${host}:1`);
    const error = await assertRejects(() => call("192.0.2.4:1"), StatusError);
    assertEquals([error.status, error.http?.status], ["UNAVAILABLE", 503]);
    clock.advance({ seconds: 20 });
    await call("192.0.2.4:1");
  });
}

Deno.test("The calls of a host are counted whoever makes them, and before they are judged", async () => {
  let judged = 0;
  const { call } = limited(() => ({ key: { id: `${++judged}` } }));
  for (let port = 1; port <= 6; port++) await call(`192.0.2.1:${port}`);
  await assertRejects(() => call("192.0.2.1:7"), StatusError, "Too many calls");
  assertEquals(judged, 6);
  await call("192.0.2.2:1");
});

Deno.test("Where no SuperNode calls, a call too many is answered 429", async () => {
  const { call } = limited(() => undefined, { ...LIMITS, status: "RESOURCE_EXHAUSTED" });
  for (let port = 1; port <= 6; port++) await call(`192.0.2.1:${port}`);
  const error = await assertRejects(() => call("192.0.2.1:7"), StatusError);
  assertEquals([error.status, error.http?.status], ["RESOURCE_EXHAUSTED", 429]);
});

Deno.test("A limit that is reached is told of once a minute, with who and how it is changed", () => {
  const clock = new TestClock();
  const logged = new LogLines();
  const rate = new CallRate({ ...LIMITS, hostPerMinute: 4 }, clock, limitLog(logged.log, clock));
  const call = (caller: unknown) => {
    try {
      rate.takeOfHost("192.0.2.1:1");
      rate.takeOfCaller(caller, "192.0.2.1:1");
    } catch {
      // It was not taken.
    }
  };
  for (let calls = 0; calls < 10; calls++) call({ key: { id: "k" } });
  const said = () => logged.of("superlink.limit").map(({ message }) => message);
  assertEquals(said(), [
    "Calls of a key at 192.0.2.1 come too fast and are not taken for now: fleet-calls-per-key is " +
    "3 a minute. --limit fleet-calls-per-key=N changes that.",
    "Calls of a host at 192.0.2.1 come too fast and are not taken for now: fleet-calls-per-host is " +
    "4 a minute. --limit fleet-calls-per-host=N changes that.",
  ]);
  clock.advance({ seconds: 61 });
  for (let calls = 0; calls < 10; calls++) call({ key: { id: "k" } });
  assertEquals(said().length, 4);
});

Deno.test("The table has a row for each limit of each API, and says how it is changed", () => {
  assertEquals(LIMITS_TABLE.length, LIMIT_NAMES.length + 2);
  assertEquals(new Set(LIMITS_TABLE.map(([what, who]) => `${what}/${who}`)).size, 14);
  for (const [, , , changedBy] of LIMITS_TABLE) {
    const [, flag] = /^`--([a-z-]+) /.exec(changedBy) ?? [];
    assert(superlinkSpec.flags.some(({ name }) => name === flag), changedBy);
  }
});

Deno.test("Only the Fleet API has its limits answered UNAVAILABLE, and a changed one holds there", () => {
  const statuses = Object.entries(callLimits({})).map(([api, { status }]) => [api, status]);
  assertEquals(statuses, [
    ["fleet", "UNAVAILABLE"],
    ["control", "RESOURCE_EXHAUSTED"],
    ["page", "RESOURCE_EXHAUSTED"],
    ["apps", "RESOURCE_EXHAUSTED"],
  ]);
  const { fleet, control } = callLimits({ "fleet-calls-per-key": 3 });
  assertEquals(fleet, { ...callLimits({}).fleet, keyPerMinute: 3 });
  assertEquals(control.hostPerMinute, limitOf({}, "control-calls-per-host"));
});
