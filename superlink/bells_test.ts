import { assertEquals } from "@std/assert";
import { type Bells, LocalBells } from "./bells.ts";
import { SharedBells } from "./shared_bells.ts";

/** Far away, and near. */
const LATER = () => Date.now() + 60_000;
const SOON = () => Date.now() + 20;
const never = new AbortController().signal;

const KINDS: readonly [string, (kv: Deno.Kv) => Bells][] = [
  ["Bells of a process", () => new LocalBells()],
  ["Bells that SuperLinks share", (kv) => new SharedBells(kv)],
];

function test(
  sentence: string,
  play: (bells: Bells, another: () => Bells) => Promise<void>,
): void {
  for (const [kind, make] of KINDS) {
    Deno.test(`${kind}: ${sentence}`, async () => {
      const kv = await Deno.openKv(":memory:");
      const made: Bells[] = [];
      const another = () => {
        const bells = make(kv);
        made.push(bells);
        return bells;
      };
      try {
        await play(another(), another);
      } finally {
        for (const bells of made) if (bells instanceof SharedBells) await bells.settled();
        kv.close();
      }
    });
  }
}

test("a ring wakes those who listen to its topic, and nobody else", async (bells) => {
  using first = await bells.listen("a", "b");
  using second = await bells.listen("b");
  using other = await bells.listen("c");
  const waits = [
    first.wait(LATER(), never),
    second.wait(LATER(), never),
    other.wait(SOON(), never),
  ];
  bells.ring("b");
  bells.ring("nobody listens");
  assertEquals(await Promise.all(waits), ["rung", "rung", "timeout"]);
});

test("a ring before the wait is told of", async (bells) => {
  using listener = await bells.listen("a");
  bells.ring("a");
  bells.ring("a");
  assertEquals(await listener.wait(LATER(), never), "rung");
  bells.ring("a");
  assertEquals(await listener.wait(LATER(), never), "rung");
});

Deno.test("Bells of a process: rings before the wait are told of once", async () => {
  const bells = new LocalBells();
  using listener = bells.listen("a");
  bells.ring("a");
  bells.ring("a");
  assertEquals(await listener.wait(LATER(), never), "rung");
  assertEquals(await listener.wait(SOON(), never), "timeout");
});

test("a wait ends at its deadline, also one that is past or more than timers take", async (bells) => {
  using listener = await bells.listen("a");
  assertEquals(await listener.wait(Date.now() - 1000, never), "timeout");
  assertEquals(await listener.wait(SOON(), never), "timeout");
  const long = listener.wait(Date.now() + 2 ** 40, never);
  bells.ring("a");
  assertEquals(await long, "rung");
  const endless = listener.wait(Infinity, never);
  bells.ring("a");
  assertEquals(await endless, "rung");
});

test("a wait ends when its caller is gone, before it or during it", async (bells) => {
  using listener = await bells.listen("a");
  const leaving = new AbortController();
  const wait = listener.wait(LATER(), leaving.signal);
  leaving.abort();
  assertEquals(await wait, "gone");
  assertEquals(await listener.wait(LATER(), leaving.signal), "gone");
});

test("stop() ends all waits, and those that come later", async (bells) => {
  using listener = await bells.listen("a");
  const wait = listener.wait(LATER(), never);
  bells.stop();
  assertEquals(await wait, "stopped");
  assertEquals(await listener.wait(LATER(), never), "stopped");
  assertEquals(await listener.wait(LATER(), never), "stopped");
  using late = await bells.listen("b");
  assertEquals(await late.wait(LATER(), never), "stopped");
});

test("those are forgotten who listen no more", async (bells) => {
  {
    using _first = await bells.listen("a", "b");
    using _second = await bells.listen("a");
    assertEquals(bells.size, 3);
  }
  assertEquals(bells.size, 0);
  bells.ring("a");
});

Deno.test("A bell that one SuperLink rings is heard on another of the same database", async () => {
  const kv = await Deno.openKv(":memory:");
  const [here, there] = [new SharedBells(kv), new SharedBells(kv)];
  {
    using listener = await here.listen("a", "b");
    using other = await here.listen("c");
    there.ring("b");
    assertEquals(await listener.wait(LATER(), never), "rung");
    await there.settled();
    assertEquals(await other.wait(SOON(), never), "timeout");
    there.ring("a");
    assertEquals(await listener.wait(LATER(), never), "rung");
  }
  assertEquals(here.size, 0);
  await there.settled();
  kv.close();
});
