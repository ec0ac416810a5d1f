import { assertEquals } from "@std/assert";
import { TestClock } from "../testing/test_clock.ts";
import { hostOf, PeerLimit } from "./peer_limit.ts";

/** How many of `attempts` of a peer are let through. */
function taken(limit: PeerLimit, attempts: number, peer = "192.0.2.1"): number {
  return Array.from({ length: attempts }, () => limit.take(peer)).filter(Boolean).length;
}

Deno.test("PeerLimit lets a minute's worth through at once, and then as many as refill", () => {
  const clock = new TestClock();
  const limit = new PeerLimit(60, clock);
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

Deno.test("PeerLimit counts peers apart, and looks without taking", () => {
  const limit = new PeerLimit(3, new TestClock());
  assertEquals(limit.has("192.0.2.1"), true);
  assertEquals(taken(limit, 4, "192.0.2.1"), 3);
  assertEquals(limit.has("192.0.2.1"), false);
  assertEquals(taken(limit, 4, "192.0.2.2"), 3);
});

Deno.test("hostOf() counts the ports of a host together", () => {
  assertEquals(hostOf("192.0.2.1:1000"), hostOf("192.0.2.1:2000"));
  assertEquals(hostOf("unknown"), hostOf("unknown"));
});

const HOSTS: readonly [peer: string, host: string][] = [
  ["[2001:db8:1:2:3:4:5:6]:1000", "2001:db8:1:2::/64"],
  ["[2001:db8:1:2::7]:1000", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::7:1000", "2001:db8:1:2::/64"],
  ["[2001:0DB8:0001:2::]:1", "2001:db8:1:2::/64"],
  ["[2001:db8::1]:1", "2001:db8:0:0::/64"],
  ["[2001:db8:1:3::7]:1", "2001:db8:1:3::/64"],
  ["[fe80::1%eth0]:1", "fe80:0:0:0::/64"],
  ["[::1]:1", "0:0:0:0::/64"],
  ["[::ffff:192.0.2.1]:1", "192.0.2.1"],
  ["::ffff:192.0.2.1:1", "192.0.2.1"],
];

for (const [peer, host] of HOSTS) {
  Deno.test(`hostOf(${peer}) is ${host}: a network of IPv6 is one host`, () => {
    assertEquals(hostOf(peer), host);
  });
}

Deno.test("PeerLimit gives nothing for a clock that goes back", () => {
  const clock = new TestClock();
  const limit = new PeerLimit(2, clock);
  assertEquals(taken(limit, 5), 2);
  clock.advance({ seconds: -3600 });
  assertEquals(taken(limit, 5), 0);
  clock.advance({ seconds: 30 });
  assertEquals(taken(limit, 5), 1);
});

Deno.test("PeerLimit remembers the 10,000 peers that came last", () => {
  const limit = new PeerLimit(1, new TestClock());
  const host = (number: number) => `10.0.${number >> 8}.${number & 255}`;
  for (let number = 0; number < 10_000; number++) assertEquals(limit.take(host(number)), true);
  assertEquals(limit.take(host(0)), false);
  assertEquals(limit.take(host(10_000)), true);
  assertEquals(limit.take(host(0)), false, "asked for a moment ago");
  assertEquals(limit.take(host(1)), true, "forgotten");
});
