import { assertEquals } from "@std/assert";
import { wantedOf, windowOf } from "./window.ts";

interface Site {
  readonly name: string;
  readonly seen?: number;
}

const SITES: readonly Site[] = [
  { name: "site 10", seen: 5 },
  { name: "site 9" },
  { name: "Hospital", seen: 7 },
  { name: "", seen: 6 },
];

/** What is asked for, and the names that come. */
const CASES: [query: string, expected: string[], total?: number][] = [
  ["", ["site 10", "site 9", "Hospital", ""]],
  ["sort=name", ["Hospital", "site 9", "site 10", ""]],
  ["sort=name&descending=true", ["site 10", "site 9", "Hospital", ""]],
  ["sort=seen", ["site 10", "", "Hospital", "site 9"]],
  ["sort=seen&descending=true", ["Hospital", "", "site 10", "site 9"]],
  ["sort=constructor", ["site 10", "site 9", "Hospital", ""]],
  ["search=SITE", ["site 10", "site 9"]],
  ["search=site+10", ["site 10"]],
  ["search=10+site++", ["site 10"]],
  ["search=nowhere", []],
  ["offset=1&limit=2", ["site 9", "Hospital"], 4],
  ["offset=9", [], 4],
  ["offset=-1&limit=x", ["site 10", "site 9", "Hospital", ""]],
  ["limit=0", [], 4],
];

for (const [query, expected, total = expected.length] of CASES) {
  Deno.test(`windowOf() gives what "${query}" asks for`, () => {
    const window = windowOf(SITES, wantedOf(new URLSearchParams(query)), ({ name }) => name, {
      name: ({ name }) => name,
      seen: ({ seen }) => seen,
    });
    assertEquals(window.rows.map(({ name }) => name), expected);
    assertEquals(window.total, total);
  });
}

Deno.test("wantedOf() asks for no more than 200 rows and 200 characters", () => {
  const query = new URLSearchParams({ limit: "1000000", search: "x".repeat(5_000) });
  const { limit, search } = wantedOf(query);
  assertEquals([limit, search.length], [200, 200]);
});
