import { assertEquals } from "@std/assert";
import { readCsv, toCsv, withoutFormulas } from "./csv.ts";

/** Files, and their lines with the numbers of these; `undefined` for what is no CSV. */
const FILES: readonly [text: string, lines: readonly [number, ...string[]][] | undefined][] = [
  ["", []],
  ["a,b\n1,2\n", [[1, "a", "b"], [2, "1", "2"]]],
  ["a,b\r\n1,2\r\n", [[1, "a", "b"], [2, "1", "2"]]],
  ["\ufeffa\n\n , \nb", [[1, "a"], [4, "b"]]],
  ['"a ""b"", c",d\n"x\ny",z\nlast', [[1, 'a "b", c', "d"], [2, "x\ny", "z"], [4, "last"]]],
  ["a,\n,b\n", [[1, "a", ""], [2, "", "b"]]],
  ["a,", [[1, "a", ""]]],
  ['"open', undefined],
  ['a"b', undefined],
  ['"a"b', undefined],
];

Deno.test("readCsv reads lines with their numbers, and refuses quotes that are not closed", () => {
  for (const [text, lines] of FILES) {
    const read = readCsv(text)?.map(({ line, cells }) => [line, ...cells]);
    assertEquals(read, lines?.map((line) => [...line]), JSON.stringify(text));
  }
});

Deno.test("toCsv writes what readCsv reads, with a column for all that any record has", () => {
  const records = [
    { name: 'a "b", c', count: 2n },
    { name: " blanks ", labels: { k: "v,w", sizes: [1n, 2n ** 64n] } },
    { name: "two\nlines" },
  ];
  const text = toCsv([], records);
  assertEquals(readCsv(text)?.map(({ cells }) => cells), [
    ["name", "count", "labels"],
    ['a "b", c', "2", ""],
    [" blanks ", "", '{"k": "v,w","sizes": [1,18446744073709551616]}'],
    ["two\nlines", "", ""],
  ]);
});

Deno.test("a text that a spreadsheet would run is no formula any more, and a number stays one", () => {
  const names = ["=1+1", "+1", "@x", "-x", "\tx", "-33.9,18.4", "-.5", "a=b", ""];
  assertEquals(
    withoutFormulas(names.map((name) => ({ name, count: -1n }))).map(({ name }) => name),
    ["'=1+1", "'+1", "'@x", "'-x", "'\tx", "-33.9,18.4", "-.5", "a=b", ""],
  );
});

Deno.test("toCsv has columns that no record has, and before others", () => {
  assertEquals(toCsv(["id", "name"], []), "id,name");
  assertEquals(toCsv(["id", "name"], [{ at: "now", id: "1" }]), "id,name,at\n1,,now");
});
