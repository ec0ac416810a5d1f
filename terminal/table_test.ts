import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { colourful } from "./colour.ts";
import { displayWidth, printable, wrapText } from "./display_width.ts";
import { renderSheet, renderTable } from "./table.ts";

const COLUMNS = [{ header: "Run ID", keepWhole: true }, { header: "App" }, {
  header: "Status Changed @",
}];
const ROW = [
  { text: "4294344937656652130" },
  { text: "@acme/myapp==1.0.0" },
  { text: "2026-11-23 11:10:12Z" },
];

Deno.test("renderTable draws a heavy head, lines between rows and a centred title", () => {
  const table = renderTable([{ header: "Name" }, { header: "N" }], [
    [{ text: "first" }, { text: "1" }],
    [{ text: "second" }, { text: "22" }],
  ], { title: "Both" });
  assertEquals(
    table,
    `\
     Both
┏━━━━━━━━┳━━━━┓
┃  Name  ┃ N  ┃
┡━━━━━━━━╇━━━━┩
│ first  │ 1  │
├────────┼────┤
│ second │ 22 │
└────────┴────┘`,
  );
});

Deno.test("renderTable draws any number of rows", () => {
  const rows = Array.from({ length: 200_000 }, () => [{ text: "1" }]);
  assertEquals(renderTable([{ header: "N" }], rows).split("\n").length, 3 + 2 * rows.length);
});

Deno.test("renderTable wraps what is wider than the screen, but never an identifier", () => {
  const table = renderTable(COLUMNS, [ROW], { maxWidth: 60 });
  assertEquals(
    table,
    `\
┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━┓
┃       Run ID        ┃       App       ┃ Status Changed @ ┃
┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━┩
│ 4294344937656652130 │ @acme/myapp==1. │ 2026-11-23       │
│                     │ 0.0             │ 11:10:12Z        │
└─────────────────────┴─────────────────┴──────────────────┘`,
  );
  for (const maxWidth of [1, 20, 40]) {
    assertStringIncludes(renderTable(COLUMNS, [ROW], { maxWidth }), "│ 4294344937656652130 │");
  }
});

Deno.test("renderTable is as wide as it needs when there is no screen", () => {
  const lines = renderTable(COLUMNS, [ROW]).split("\n");
  assertEquals(lines.length, 5);
  assertStringIncludes(lines[3] ?? "", "@acme/myapp==1.0.0");
});

Deno.test("renderTable keeps its columns straight with colours, wide signs and control characters", () => {
  const rows = [
    [{ text: "日本", styles: ["green" as const] }, { text: "a" }],
    [{ text: "e\u0301te\u0301", styles: ["red" as const] }, { text: "b\x1b[31m\n" }],
  ];
  const plainTable = renderTable([{ header: "Owner" }, { header: "X" }], rows);
  const colouredTable = renderTable([{ header: "Owner" }, { header: "X" }], rows, {
    paint: colourful,
  });
  const widths = new Set(plainTable.split("\n").map(displayWidth));
  assertEquals(widths.size, 1);
  // deno-lint-ignore no-control-regex
  assertEquals(colouredTable.replace(/\x1b\[[\d;]*m/g, ""), plainTable);
  assert(!plainTable.includes("\x1b"));
  assertStringIncludes(colouredTable, "\x1b[32m日本\x1b[0m");
});

Deno.test("renderSheet puts names beside values", () => {
  assertEquals(
    renderSheet([["Run ID", { text: "1" }], ["App", { text: "@a/b" }]]),
    `\
┌────────┬──────┐
│ Run ID │ 1    │
│ App    │ @a/b │
└────────┴──────┘`,
  );
});

Deno.test("displayWidth counts columns, not code units", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["", 0],
    ["abc", 3],
    ["é", 1],
    ["e\u0301", 1],
    ["日本", 4],
    ["🎊", 2],
    ["┃", 1],
    ["\u200b", 0],
  ];
  for (const [text, width] of cases) assertEquals(displayWidth(text), width, JSON.stringify(text));
});

Deno.test("wrapText loses nothing and never exceeds the width", () => {
  for (const width of [1, 3, 7, 80]) {
    const lines = wrapText("one two three-and-more 日本", width);
    assertEquals(lines.join("").replaceAll(" ", ""), "onetwothree-and-more日本");
    for (const line of lines) assert(displayWidth(line) <= Math.max(2, width), line);
  }
});

Deno.test("printable puts a text of several lines into one", () => {
  assertEquals(
    printable("There is no model.\n\n  Look\tfor it.\r\n"),
    "There is no model. Look for it.",
  );
});

Deno.test("printable leaves no sign that drives a terminal", () => {
  assertEquals(
    printable("a\x1b[2Jb\r\n\x9b\u2028\u202ec"),
    "a\ufffd[2Jb \ufffd\ufffd\ufffdc",
  );
});
