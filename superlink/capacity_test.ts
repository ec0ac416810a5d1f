import { assertEquals, assertRejects } from "@std/assert";
import { Fleet } from "../proto/gen/flwr/proto/fleet_pb.ts";
import { defineService, type IncomingCall } from "../wire/service.ts";
import { StatusError } from "../wire/status.ts";
import { withinCapacity } from "./capacity.ts";

const CALL: IncomingCall = {
  method: "SendNodeHeartbeat",
  headers: { text: () => undefined, bytes: () => undefined },
  peer: "192.0.2.1:1000",
  patienceMs: Infinity,
};

/** A service of which each call and each judgement ends when it is told to. */
function slowService(limit: number) {
  const ends: (() => void)[] = [];
  const whenTold = () => new Promise<void>((resolve) => ends.push(resolve));
  const service = withinCapacity(
    defineService(Fleet, whenTold, {
      sendNodeHeartbeat: () => whenTold().then(() => ({ success: true })),
      pullMessages: () => whenTold().then(() => ({})),
    }),
    "UNAVAILABLE",
    limit,
  );
  const call = (method: typeof Fleet.methods[number]) =>
    service.call(method, Object.create(null), undefined, AbortSignal.timeout(60_000));
  return { service, call, endAll: () => ends.splice(0).forEach((end) => end()) };
}

const tooMuch = (admission: Promise<unknown>) =>
  assertRejects(() => admission, StatusError, "The SuperLink has too much to do.");

Deno.test("Calls beyond the limit are refused while as many are judged, and taken again after", async () => {
  const { service, endAll } = slowService(2);
  const judged = [service.admit(CALL), service.admit(CALL)];
  await tooMuch(service.admit(CALL));
  endAll();
  await Promise.all(judged);
  const next = service.admit(CALL);
  endAll();
  await next;
});

Deno.test("Calls beyond the limit are refused while as many are worked on", async () => {
  const { service, call, endAll } = slowService(2);
  const working = [call(Fleet.method.sendNodeHeartbeat), call(Fleet.method.sendNodeHeartbeat)];
  await tooMuch(service.admit(CALL));
  endAll();
  assertEquals(await Promise.all(working), [{ success: true }, { success: true }]);
  const next = service.admit(CALL);
  endAll();
  await next;
});

Deno.test("Calls that wait for something to answer do not count as work", async () => {
  const { service, call, endAll } = slowService(2);
  const held = [1, 2, 3].map(() => call(Fleet.method.pullMessages));
  const admitted = service.admit(CALL);
  endAll();
  await Promise.all([...held, admitted]);
});
