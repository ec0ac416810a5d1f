import { assertEquals } from "@std/assert";
import { TestClock } from "../testing/test_clock.ts";
import { RegistrationLimit } from "./registration_limit.ts";

/** How many of `attempts` registrations of a peer are let through. */
function taken(limit: RegistrationLimit, attempts: number, peer = "192.0.2.1:1000"): number {
  return Array.from({ length: attempts }, () => limit.take(peer)).filter(Boolean).length;
}

Deno.test("RegistrationLimit lets a minute's worth through at once, and then as many as refill", () => {
  const clock = new TestClock();
  const limit = new RegistrationLimit(60, clock);
  assertEquals(taken(limit, 100), 60);
  clock.advance({ micros: 999_999 });
  assertEquals(taken(limit, 10), 0);
  clock.advance({ micros: 1 });
  assertEquals(taken(limit, 10), 1);
  clock.advance({ seconds: 10 });
  assertEquals(taken(limit, 100), 10);
  clock.advance({ seconds: 3600 });
  assertEquals(taken(limit, 100), 60, "it holds no more than a minute's worth");
});

Deno.test("RegistrationLimit counts a host's ports together, and hosts apart", () => {
  const limit = new RegistrationLimit(3, new TestClock());
  assertEquals(taken(limit, 2, "192.0.2.1:1000"), 2);
  assertEquals(taken(limit, 2, "192.0.2.1:2000"), 1);
  assertEquals(taken(limit, 4, "192.0.2.2:1000"), 3);
  assertEquals(taken(limit, 4, "[2001:db8::1]:1000"), 3);
  assertEquals(taken(limit, 4, "[2001:db8::1]:2000"), 0);
  assertEquals(taken(limit, 4, "2001:db8::2:1000"), 3);
  assertEquals(taken(limit, 4, "unknown"), 3);
});

Deno.test("RegistrationLimit gives nothing for a clock that goes back", () => {
  const clock = new TestClock();
  const limit = new RegistrationLimit(2, clock);
  assertEquals(taken(limit, 5), 2);
  clock.advance({ seconds: -3600 });
  assertEquals(taken(limit, 5), 0);
  clock.advance({ seconds: 30 });
  assertEquals(taken(limit, 5), 1);
});

Deno.test("RegistrationLimit remembers the 10,000 hosts that came last", () => {
  const limit = new RegistrationLimit(1, new TestClock());
  const host = (number: number) => `10.0.${number >> 8}.${number & 255}:1`;
  for (let number = 0; number < 10_000; number++) assertEquals(limit.take(host(number)), true);
  assertEquals(limit.take(host(0)), false);
  assertEquals(limit.take(host(10_000)), true);
  assertEquals(limit.take(host(0)), false, "asked for a moment ago");
  assertEquals(limit.take(host(1)), true, "forgotten");
});
