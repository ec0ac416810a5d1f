import { assertEquals, assertGreaterOrEqual, assertLessOrEqual, assertRejects } from "@std/assert";
import { StatusError } from "../../wire/status.ts";
import { heartbeatPauseMs, sendHeartbeats } from "./heartbeats.ts";
import { FakeClock } from "../testing/fake_clock.ts";

const never = new AbortController().signal;

Deno.test("heartbeatPauseMs lies between 17.5 and 22.5 s", () => {
  assertEquals(Math.round(heartbeatPauseMs(() => 0)), 17_500);
  assertEquals(Math.round(heartbeatPauseMs(() => 0.5)), 20_000);
  assertEquals(Math.round(heartbeatPauseMs(() => 1)), 22_500);
  for (let i = 0; i < 100; i++) {
    assertGreaterOrEqual(heartbeatPauseMs(Math.random), 17_499);
    assertLessOrEqual(heartbeatPauseMs(Math.random), 22_501);
  }
});

Deno.test("sendHeartbeats sends the first at once and the others after a pause", async () => {
  const clock = new FakeClock();
  const sentMs: number[] = [];
  let accepted = 0;
  const send = () => Promise.resolve(sentMs.push(clock.nowMs()) < 4);
  const options = { send, accepted: () => void accepted++, clock, random: () => 0.5 };
  const ended = sendHeartbeats(options, never);
  for (let i = 0; i < 3; i++) await clock.tick();
  assertEquals((await ended).kind, "unknown-node");
  assertEquals(sentMs.map(Math.round), [0, 20_000, 40_000, 60_000]);
  assertEquals(accepted, 3);
});

Deno.test("sendHeartbeats gives the refusal that ends it", async () => {
  const clock = new FakeClock();
  const send = () => Promise.reject(new StatusError("UNAUTHENTICATED", "Invalid node ID"));
  const options = { send, accepted: () => {}, clock, random: Math.random };
  const refusal = await sendHeartbeats(options, never);
  assertEquals(refusal, { kind: "unknown-node", words: "Invalid node ID" });
});

Deno.test("sendHeartbeats ends in its pause when it is stopped", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const accepted = Promise.withResolvers<void>();
  const options = {
    send: () => Promise.resolve(true),
    accepted: accepted.resolve,
    clock,
    random: Math.random,
  };
  const ended = sendHeartbeats(options, stop.signal).catch((reason) => reason);
  await accepted.promise;
  stop.abort("SIGTERM");
  assertEquals(await ended, "SIGTERM");
});

Deno.test("sendHeartbeats throws what is no refusal", async () => {
  const options = {
    send: () => Promise.reject(new TypeError("broken")),
    accepted: () => {},
    clock: new FakeClock(),
    random: Math.random,
  };
  await assertRejects(() => sendHeartbeats(options, never), TypeError, "broken");
});
