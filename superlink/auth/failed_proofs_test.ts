import { assertEquals } from "@std/assert";
import { TestClock } from "../testing/test_clock.ts";
import { FailedProofs } from "./failed_proofs.ts";

const PEER = "192.0.2.1:1000";

Deno.test("FailedProofs stops looking at a host of which too many proofs failed, whatever the key", () => {
  const clock = new TestClock();
  const proofs = new FailedProofs(3, clock);
  for (const key of ["a", "b", "c"]) {
    assertEquals(proofs.mayTry(PEER, key), true);
    proofs.failed(PEER, key);
  }
  assertEquals(proofs.mayTry(PEER, "d"), false);
  assertEquals(proofs.mayTry("192.0.2.1:2000", "a"), false, "another port is the same host");
  assertEquals(proofs.mayTry("192.0.2.2:1000", "a"), true);
  clock.advance({ seconds: 20 });
  assertEquals(proofs.mayTry(PEER, "d"), true);
});

Deno.test("FailedProofs leaves a key alone that has proved itself from that host, until it fails", () => {
  const proofs = new FailedProofs(2, new TestClock());
  proofs.proved(PEER, "honest");
  proofs.failed(PEER, "a");
  proofs.failed(PEER, "b");
  assertEquals(proofs.mayTry(PEER, "c"), false);
  assertEquals(proofs.mayTry(PEER, "honest"), true);
  proofs.failed(PEER, "honest");
  proofs.failed(PEER, "honest");
  assertEquals(proofs.mayTry(PEER, "honest"), false, "somebody there claims to be it");
  assertEquals(proofs.mayTry("192.0.2.7:1", "honest"), true, "and it is elsewhere");
});

Deno.test("FailedProofs remembers at least 50,000 keys that proved themselves lately, and forgets older ones", () => {
  const proofs = new FailedProofs(1, new TestClock());
  for (let number = 0; number < 101_000; number++) proofs.proved(PEER, `${number}`);
  proofs.failed(PEER, "stranger");
  assertEquals(proofs.mayTry(PEER, "0"), false, "forgotten");
  assertEquals(proofs.mayTry(PEER, "51000"), true);
});
