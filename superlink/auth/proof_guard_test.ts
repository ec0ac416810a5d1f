/** What both guards of proofs promise: the one in memory, and the one that SuperLinks share. */

import { assertEquals } from "@std/assert";
import { ReplayGuard } from "../../keys/replay_guard.ts";
import { keys } from "../state/layout.ts";
import { Marks } from "../state/marks.ts";
import { TestClock } from "../testing/test_clock.ts";
import { LocalGuard, type ProofGuard, type VerifiedProof } from "./proof_guard.ts";
import { SharedGuard } from "./shared_guard.ts";

const WINDOW_MICROS = 305_000_000;

type MakeGuard = (kv: Deno.Kv, clock: TestClock) => ProofGuard;

const GUARDS: readonly [string, MakeGuard][] = [
  [
    "in memory, with marks",
    (kv) => new LocalGuard(new ReplayGuard({ windowMicros: WINDOW_MICROS }), new Marks(kv)),
  ],
  ["that SuperLinks share", (kv, clock) => new SharedGuard(kv, clock, WINDOW_MICROS)],
];

async function onGuard(
  make: MakeGuard,
  play: (guard: ProofGuard, clock: TestClock, again: () => ProofGuard) => Promise<void>,
): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  const clock = new TestClock();
  try {
    await play(make(kv, clock), clock, () => make(kv, clock));
  } finally {
    kv.close();
  }
}

function proof(clock: TestClock, rest: Partial<VerifiedProof> = {}): VerifiedProof {
  return { keyId: "key", owned: true, timestampMicros: clock.nowMicros(), r: 7n, ...rest };
}

for (const [name, make] of GUARDS) {
  Deno.test(`A guard ${name} accepts a proof once`, () =>
    onGuard(make, async (guard, clock) => {
      assertEquals(await guard.accept(proof(clock)), "fresh");
      assertEquals(await guard.accept(proof(clock)), "seen");
    }));

  Deno.test(`A guard ${name} accepts one of two calls at once with the same proof`, () =>
    onGuard(make, async (guard, clock) => {
      const calls = Array.from({ length: 20 }, () => guard.accept(proof(clock)));
      const verdicts = await Promise.all(calls);
      assertEquals(verdicts.filter((verdict) => verdict === "fresh").length, 1);
    }));

  Deno.test(`A guard ${name} tells keys and signatures from each other`, () =>
    onGuard(make, async (guard, clock) => {
      const others: Partial<VerifiedProof>[] = [{}, { r: 8n }, { r: 1n << 520n }, { keyId: "k" }];
      for (const other of others) assertEquals(await guard.accept(proof(clock, other)), "fresh");
    }));

  Deno.test(`A guard ${name} knows a proof from before a restart`, () =>
    onGuard(make, async (guard, clock, again) => {
      assertEquals(await guard.accept(proof(clock)), "fresh");
      const after = again();
      assertEquals(await after.accept(proof(clock)) === "fresh", false);
      clock.advance({ seconds: 3 });
      assertEquals(await after.accept(proof(clock, { r: 9n })), "fresh");
    }));

  Deno.test(`A guard ${name} knows the proof that a key registered itself with`, () =>
    onGuard(make, async (guard, clock) => {
      const first = proof(clock, { owned: false });
      assertEquals(await guard.accept(first), "fresh");
      guard.adopt(first.keyId, first.timestampMicros).done();
      assertEquals(await guard.accept(proof(clock)) === "fresh", false);
      clock.advance({ micros: 1 });
      assertEquals(await guard.accept(proof(clock, { r: 8n })), "fresh");
    }));
}

Deno.test("Two SuperLinks that share a guard accept a proof once between them", async () => {
  const kv = await Deno.openKv(":memory:");
  const clock = new TestClock();
  const guards = [0, 1, 2].map(() => new SharedGuard(kv, clock, WINDOW_MICROS));
  const verdicts = await Promise.all(guards.map((guard) => guard.accept(proof(clock))));
  assertEquals(verdicts.toSorted(), ["fresh", "seen", "seen"]);
  kv.close();
});

Deno.test("A shared guard's row expires after the window, and after what clocks may differ", async () => {
  const kv = await Deno.openKv(":memory:");
  const clock = new TestClock();
  const expiries: (number | undefined)[] = [];
  const recording = {
    atomic: () => {
      const operation = kv.atomic();
      const { set } = operation;
      operation.set = (key, value, options) => {
        assertEquals(key, keys.proof("key", 7n));
        expiries.push(options?.expireIn);
        return set.call(operation, key, value, options);
      };
      return operation;
    },
  } as unknown as Deno.Kv;
  const guard = new SharedGuard(recording, clock, WINDOW_MICROS);
  await guard.accept(proof(clock, { timestampMicros: clock.nowMicros() - 100_000_000 }));
  assertEquals(expiries, [205_000 + 60_000]);
  kv.close();
});
