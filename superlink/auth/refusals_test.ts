import { assertEquals } from "@std/assert";
import { LogLines } from "../testing/log_lines.ts";
import { TestClock } from "../testing/test_clock.ts";
import { Refusals } from "./refusals.ts";

const refusal = {
  reason: "signature does not verify",
  method: "PullMessages",
  peer: "192.0.2.1:5",
};

Deno.test("Refusals says who was refused, why and from where", () => {
  const logged = new LogLines();
  const refusals = new Refusals(logged.log, new TestClock());
  refusals.refused(refusal);
  refusals.refused({ ...refusal, fingerprint: "SHA256:abc" });
  assertEquals(logged.of("fleet.refused").map(({ message }) => message), [
    "Refused PullMessages of 192.0.2.1:5: signature does not verify.",
    "Refused PullMessages of key SHA256:abc from 192.0.2.1:5: signature does not verify.",
  ]);
  const [, { time: _, ...line }] = logged.of("fleet.refused") as [unknown, Record<string, unknown>];
  assertEquals(line, {
    level: "warning",
    event: "fleet.refused",
    message: "Refused PullMessages of key SHA256:abc from 192.0.2.1:5: signature does not verify.",
    ...refusal,
    fingerprint: "SHA256:abc",
  });
});

Deno.test("Refusals writes 20 lines a second, and how many it left out", () => {
  const logged = new LogLines();
  const clock = new TestClock();
  const refusals = new Refusals(logged.log, clock);
  for (let count = 0; count < 1000; count++) refusals.refused(refusal);
  assertEquals(logged.lines.length, 20);
  clock.advance({ micros: 999_999 });
  refusals.refused(refusal);
  assertEquals(logged.lines.length, 20);
  clock.advance({ micros: 1 });
  refusals.refused(refusal);
  assertEquals(logged.of("fleet.refused").length, 21);
  assertEquals(logged.of("fleet.refused-more").map(({ message }) => message), [
    "Refused 981 more calls.",
  ]);
});

Deno.test("Refusals goes on when the clock jumps back", () => {
  const logged = new LogLines();
  const clock = new TestClock();
  const refusals = new Refusals(logged.log, clock);
  for (let count = 0; count < 30; count++) refusals.refused(refusal);
  clock.advance({ seconds: -100 });
  refusals.refused(refusal);
  assertEquals(logged.of("fleet.refused").length, 21);
});
