import { assertEquals, assertThrows } from "@std/assert";
import { durationFlag, durationS } from "./duration.ts";
import { UsageError } from "./errors.ts";

const READ: readonly [string, number | undefined][] = [
  ["1s", 1],
  ["30m", 1_800],
  ["12h", 43_200],
  ["90d", 7_776_000],
  ["2W", 1_209_600],
  [" 1d ", 86_400],
  ["5200w", 3_144_960_000],
  ["", undefined],
  ["0d", undefined],
  ["-1d", undefined],
  ["1.5d", undefined],
  ["90", undefined],
  ["d", undefined],
  ["1y", undefined],
  ["1d12h", undefined],
  ["9999999999d", undefined],
  ["6000w", undefined],
];

for (const [text, seconds] of READ) {
  Deno.test(`durationS() reads "${text}" as ${seconds ?? "nothing"}`, () => {
    assertEquals(durationS(text), seconds);
  });
}

Deno.test("A flag with a time says what it takes", () => {
  const flag = durationFlag("expires", "When it ends.");
  assertEquals(flag.of(new Map()), undefined);
  assertEquals(flag.of(new Map([["expires", ["1d"]]])), 86_400);
  const error = assertThrows(() => flag.of(new Map([["expires", ["soon"]]])), UsageError);
  assertEquals(error.message, '--expires takes a time such as 90d, 12h or 30m, not "soon".');
});
