import { assert, assertEquals, assertThrows } from "@std/assert";
import { FLEET_AUTH } from "./testdata/fleet_auth.ts";
import { formatTimestamp, isInWindow, parseTimestamp } from "./timestamp.ts";

function parsed(text: string): number {
  const micros = parseTimestamp(text);
  assert(micros !== undefined, text);
  return micros;
}

for (const row of FLEET_AUTH.timestamp_window) {
  const verdict = row.accepted ? "accepts" : "refuses";
  Deno.test(`isInWindow() ${verdict} what Flower ${verdict}: ${row.note}`, () => {
    assertEquals(isInWindow(parsed(row.now), parsed(row.timestamp)), row.accepted);
  });
}

Deno.test("isInWindow() excludes both ends, of Flower's window and of a narrower one", () => {
  const now = parsed("2025-10-13T13:40:47.123456+00:00");
  const narrow = { toleranceMs: 10_000, driftMs: 1_000 };
  const cases = [
    [-5_000_000, undefined, false],
    [-4_999_999, undefined, true],
    [304_999_999, undefined, true],
    [305_000_000, undefined, false],
    [-1_000_000, narrow, false],
    [-999_999, narrow, true],
    [10_999_999, narrow, true],
    [11_000_000, narrow, false],
    [4_999_999, { toleranceMs: 0 }, true],
    [5_000_000, { toleranceMs: 0 }, false],
  ] as const;
  for (const [ageMicros, window, accepted] of cases) {
    assertEquals(isInWindow(now, now - ageMicros, window), accepted, `${ageMicros}`);
  }
});

const INSTANT = 1_760_362_847_123_456;
const WHOLE_SECOND = 1_760_362_847_000_000;
const MINUTE = 1_760_362_800_000_000;
const HOUR = 1_760_360_400_000_000;
const MIDNIGHT = 1_760_313_600_000_000;

// Each agrees with Python 3.11's datetime.fromisoformat.
const ACCEPTED: [text: string, micros: number][] = [
  ["2025-10-13T13:40:47.123456+00:00", INSTANT],
  ["2025-10-13T13:40:47.123456Z", INSTANT],
  ["2025-10-13T13:40:47.123456-00:00", INSTANT],
  ["2025-10-13T13:40:47.123456+00", INSTANT],
  ["2025-10-13T13:40:47.123456+0000", INSTANT],
  ["2025-10-13T13:40:47.123456+00:00:00", INSTANT],
  ["2025-10-13T15:40:47.123456+0200", INSTANT],
  ["2025-10-13T08:10:47.123456-05:30", INSTANT],
  ["2025-10-14T13:39:47.123456+23:59", INSTANT],
  ["2025-10-12T13:41:46.123456-235901", INSTANT],
  ["2025-10-13T13:40:47,123456+00:00", INSTANT],
  ["2025-10-13T13:40:47.123456999999999+00:00", INSTANT],
  ["20251013T134047.123456Z", INSTANT],
  ["2025-10-13T134047.123456Z", INSTANT],
  ["20251013T13:40:47.123456+0000", INSTANT],
  ["2025-10-13 13:40:47.123456+00:00", INSTANT],
  ["2025-10-13t13:40:47.123456+00:00", INSTANT],
  ["2025-W42-1T13:40:47.123456Z", INSTANT],
  ["2025W421T134047.123456Z", INSTANT],
  ["2025-W42T13:40:47.123456Z", INSTANT],
  ["2025-10-13T13:40:47+00:00", WHOLE_SECOND],
  ["2025-10-13T13:40:47.0+00:00", WHOLE_SECOND],
  ["2025-10-13T13:40:47.1Z", WHOLE_SECOND + 100_000],
  ["2025-10-13T13:40:47.000001Z", WHOLE_SECOND + 1],
  ["2025-10-13T13:40Z", MINUTE],
  ["2025-10-13T1340+0000", MINUTE],
  ["2025-10-13T13Z", HOUR],
  ["2025-10-13T00:00:00Z", MIDNIGHT],
  ["1970-01-01T00:00:00Z", 0],
  ["1969-12-31T23:59:59.999999Z", -1],
  ["2024-02-29T00:00:00Z", 1_709_164_800_000_000],
  ["2000-02-29T00:00:00Z", 951_782_400_000_000],
  ["2020-W53-7T00:00:00Z", 1_609_632_000_000_000],
  ["2026-W01-1T00:00:00Z", 1_766_966_400_000_000],
  ["1969-W01-1T00:00:00Z", -31_708_800_000_000],
];

Deno.test("parseTimestamp() takes the forms of Python 3.11 that name an offset", () => {
  for (const [text, micros] of ACCEPTED) assertEquals(parseTimestamp(text), micros, text);
});

const REFUSED: [name: string, text: string][] = [
  ["nothing", ""],
  ["prose", "now"],
  ["a number", "1760362847"],
  ["a naive time", "2025-10-13T13:40:47.123456"],
  ["a naive compact time", "20251013T134047"],
  ["a date", "2025-10-13"],
  ["a date with an offset", "2025-10-13Z"],
  ["a blank in front", " 2025-10-13T13:40:47Z"],
  ["a blank behind", "2025-10-13T13:40:47Z "],
  ["a line end behind", "2025-10-13T13:40:47Z\n"],
  ["a line end between", "2025-10-13\n13:40:47Z"],
  ["two separators", "2025-10-13T 13:40:47Z"],
  ["no separator", "2025-10-1313:40:47Z"],
  ["a separator outside ASCII", "2025-10-13\u00b713:40:47Z"],
  ["digits outside ASCII", "\u0662\u0660\u0662\u0665-10-13T13:40:47Z"],
  ["a lower-case z", "2025-10-13T13:40:47z"],
  ["two offsets", "2025-10-13T13:40:47Z+00:00"],
  ["an offset without digits", "2025-10-13T13:40:47+"],
  ["an offset of one digit", "2025-10-13T13:40:47+2"],
  ["an offset that changes its form", "2025-10-13T13:40:47+02:0000"],
  ["an offset of 24 hours", "2025-10-13T13:40:47+24:00"],
  ["an offset of 75 minutes", "2025-10-13T13:40:47+00:75"],
  ["a minus sign of typography", "2025-10-13T13:40:47\u221202:00"],
  ["month 0", "2025-00-13T13:40:47Z"],
  ["month 13", "2025-13-13T13:40:47Z"],
  ["day 0", "2025-10-00T13:40:47Z"],
  ["day 31 of a month of 30", "2025-09-31T13:40:47Z"],
  ["February 29 of no leap year", "2025-02-29T13:40:47Z"],
  ["February 29 of 1900", "1900-02-29T13:40:47Z"],
  ["week 0", "2025-W00-1T13:40:47Z"],
  ["week 53 of a short year", "2025-W53-1T13:40:47Z"],
  ["day 0 of a week", "2025-W42-0T13:40:47Z"],
  ["day 8 of a week", "2025-W42-8T13:40:47Z"],
  ["an ordinal date", "2025-286T13:40:47Z"],
  ["hour 24", "2025-10-13T24:00:00Z"],
  ["minute 60", "2025-10-13T13:60:00Z"],
  ["a leap second", "2025-10-13T13:40:60Z"],
  ["a date that changes its form", "2025-1013T13:40:47Z"],
  ["a time that changes its form", "2025-10-13T13:4047Z"],
  ["a dot without digits", "2025-10-13T13:40:47.Z"],
  ["a fraction of minutes", "2025-10-13T13:40.5Z"],
  ["a sign on the year", "+2025-10-13T13:40:47Z"],
  ["a year of five digits", "12025-10-13T13:40:47Z"],
  ["year 0", "0000-01-01T00:00:00Z"],
  ["a year past exact numbers", "2256-01-01T00:00:00Z"],
  ["a year before exact numbers", "0001-01-01T00:00:00Z"],
  ["exponents", "2025-10-13T13:40:4e1Z"],
  ["65 characters", `2025-10-13T13:40:47.${"1".repeat(44)}Z`],
  ["a megabyte", "2".repeat(1 << 20)],
];

for (const [name, text] of REFUSED) {
  Deno.test(`parseTimestamp() refuses ${name}`, () => {
    assertEquals(parseTimestamp(text), undefined);
  });
}

Deno.test("parseTimestamp() takes 64 characters", () => {
  const text = `2025-10-13T13:40:47.${"1".repeat(43)}Z`;
  assertEquals([text.length, parseTimestamp(text)], [64, WHOLE_SECOND + 111_111]);
});

Deno.test("formatTimestamp() writes what Python's isoformat() writes in UTC", () => {
  const cases: [micros: number, text: string][] = [
    [INSTANT, "2025-10-13T13:40:47.123456+00:00"],
    [WHOLE_SECOND, "2025-10-13T13:40:47+00:00"],
    [WHOLE_SECOND + 1, "2025-10-13T13:40:47.000001+00:00"],
    [WHOLE_SECOND + 100_000, "2025-10-13T13:40:47.100000+00:00"],
    [0, "1970-01-01T00:00:00+00:00"],
    [-1, "1969-12-31T23:59:59.999999+00:00"],
  ];
  for (const [micros, text] of cases) {
    assertEquals(formatTimestamp(micros), text);
    assertEquals(parseTimestamp(text), micros);
  }
});

Deno.test("formatTimestamp() refuses what is not a whole number of microseconds", () => {
  for (const micros of [0.5, NaN, Infinity, 2 ** 53]) {
    assertThrows(() => formatTimestamp(micros), RangeError);
  }
});
