import { assertEquals } from "@std/assert";
import { secondsBetween, showElapsed, showTimestamp, timestampUs } from "./timestamp.ts";

Deno.test("timestampUs reads what Flower sends, to the microsecond", () => {
  const cases: readonly (readonly [string | undefined, number | undefined])[] = [
    ["1970-01-01T00:00:01+00:00", 1_000_000],
    ["1970-01-01T00:00:00.000001+00:00", 1],
    ["1970-01-01T00:00:00.5+00:00", 500_000],
    ["1970-01-01T00:00:00.123Z", 123_000],
    ["1970-01-01T02:00:00+02:00", 0],
    ["2026-11-23T11:10:13.666875+00:00", 1_795_432_213_666_875],
    ["", undefined],
    [undefined, undefined],
    ["registered", undefined],
    ["2026-13-45T99:00:00+00:00", undefined],
    ["2026-11-23T11:10:13", undefined],
  ];
  for (const [text, us] of cases) assertEquals(timestampUs(text), us, text);
});

Deno.test("showTimestamp drops the fraction and shows N/A for what never happened", () => {
  assertEquals(showTimestamp("2026-11-23T11:10:13.999999+00:00"), "2026-11-23 11:10:13Z");
  assertEquals(showTimestamp(""), "N/A");
  assertEquals(showTimestamp(undefined), "N/A");
});

Deno.test("secondsBetween keeps every digit", () => {
  assertEquals(
    secondsBetween("2026-11-23T11:09:03.000001+00:00", "2026-11-23T11:09:12.629546+00:00"),
    9.629545,
  );
  assertEquals(secondsBetween(undefined, "2026-11-23T11:09:12+00:00"), 0);
});

Deno.test("showElapsed counts hours, and days before them", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "00:00:00"],
    [30.9, "00:00:30"],
    [3_725, "01:02:05"],
    [86_399, "23:59:59"],
    [86_400, "1d 00:00:00"],
    [93_784, "1d 02:03:04"],
    [-5, "00:00:00"],
  ];
  for (const [seconds, text] of cases) assertEquals(showElapsed(seconds), text);
});
