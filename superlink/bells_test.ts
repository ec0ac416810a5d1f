import { assertEquals } from "@std/assert";
import { LocalBells } from "./bells.ts";

/** Far away, and near. */
const LATER = () => Date.now() + 60_000;
const SOON = () => Date.now() + 20;
const never = new AbortController().signal;

Deno.test("Bells wakes those who listen to a topic, and nobody else", async () => {
  const bells = new LocalBells();
  using first = bells.listen("a", "b");
  using second = bells.listen("b");
  using other = bells.listen("c");
  const waits = [
    first.wait(LATER(), never),
    second.wait(LATER(), never),
    other.wait(SOON(), never),
  ];
  bells.ring("b");
  bells.ring("nobody listens");
  assertEquals(await Promise.all(waits), ["rung", "rung", "timeout"]);
});

Deno.test("Bells tells of a ring before the wait once", async () => {
  const bells = new LocalBells();
  using listener = bells.listen("a");
  bells.ring("a");
  bells.ring("a");
  assertEquals(await listener.wait(LATER(), never), "rung");
  assertEquals(await listener.wait(SOON(), never), "timeout");
  bells.ring("a");
  assertEquals(await listener.wait(LATER(), never), "rung");
});

Deno.test("A wait ends at its deadline, also one that is past or more than timers take", async () => {
  const bells = new LocalBells();
  using listener = bells.listen("a");
  assertEquals(await listener.wait(Date.now() - 1000, never), "timeout");
  assertEquals(await listener.wait(SOON(), never), "timeout");
  const long = listener.wait(Date.now() + 2 ** 40, never);
  bells.ring("a");
  assertEquals(await long, "rung");
  const endless = listener.wait(Infinity, never);
  bells.ring("a");
  assertEquals(await endless, "rung");
});

Deno.test("A wait ends when its caller is gone, before it or during it", async () => {
  const bells = new LocalBells();
  using listener = bells.listen("a");
  const leaving = new AbortController();
  const wait = listener.wait(LATER(), leaving.signal);
  leaving.abort();
  assertEquals(await wait, "gone");
  assertEquals(await listener.wait(LATER(), leaving.signal), "gone");
});

Deno.test("Bells.stop() ends all waits, and those that come later", async () => {
  const bells = new LocalBells();
  using listener = bells.listen("a");
  const wait = listener.wait(LATER(), never);
  bells.stop();
  assertEquals(await wait, "stopped");
  assertEquals(await listener.wait(LATER(), never), "stopped");
  assertEquals(await listener.wait(LATER(), never), "stopped");
  using late = bells.listen("b");
  assertEquals(await late.wait(LATER(), never), "stopped");
});

Deno.test("Bells forgets those who listen no more", () => {
  const bells = new LocalBells();
  {
    using _first = bells.listen("a", "b");
    using _second = bells.listen("a");
    assertEquals(bells.size, 3);
  }
  assertEquals(bells.size, 0);
  bells.ring("a");
});
