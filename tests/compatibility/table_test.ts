import { assertEquals, assertThrows } from "@std/assert";
import { reasonOf } from "./steps.ts";
import { tableOf, withTable } from "./table.ts";

const BEGIN = "<!-- compatibility: written by `deno task compatibility` -->";
const END = "<!-- /compatibility -->";

Deno.test("tableOf() shows what works, what does not, and each reason once", () => {
  const failed = { name: "list", failure: "it said *no* | maybe" };
  const table = tableOf(["CLI", "SuperNode"], [
    {
      version: "1.0.0",
      cells: [
        { transport: "gRPC", steps: [{ name: "join" }] },
        { transport: "gRPC", steps: [{ name: "join" }, failed] },
      ],
    },
    {
      version: "2.0.0",
      cells: [
        { transport: "HTTP", steps: [failed] },
        { transport: "HTTP", steps: [{ name: "join", failure: "gone" }, failed, { name: "go" }] },
      ],
    },
  ]);
  assertEquals(
    table,
    `| Flower | CLI | SuperNode |
| --- | --- | --- |
| 1.0.0 | gRPC, works | gRPC, works in part (1) |
| 2.0.0 | HTTP, fails (1) | HTTP, works in part (2, 1) |

1. \`list\`: it said \\*no\\* \\| maybe
2. \`join\`: gone`,
  );
});

Deno.test("withTable() puts the table between the markers and leaves the rest as it is", () => {
  const text = `before\n${BEGIN}\n\nold\n\n${END}\nafter\n`;
  const once = withTable(text, "new");
  assertEquals(once, `before\n${BEGIN}\n\nnew\n\n${END}\nafter\n`);
  assertEquals(withTable(once, "new"), once);
  assertThrows(() => withTable("no place", "new"), Error, "no place for it");
});

Deno.test("reasonOf() gives the line that says most, without frames and paths", () => {
  const cases: [message: string, reason: string][] = [
    ["waited 10 ms in vain for a thing\nmore", "waited 10 ms in vain for a thing"],
    [
      "exit code 1\n--- stdout\nx\n--- stderr\n╭─ Error ───╮\n│ Run ID not found. │\n╰──────╯\n",
      "Run ID not found.",
    ],
    ["exit code 1\n--- stdout\n\n--- stderr\n", "exit code 1"],
    ["exit code 0\n--- stdout\nIt is not there.\nbye\n--- stderr\n", "It is not there."],
    ["Run 11290324290228456070 of 127.0.0.1:20153 failed", "Run ID of 127.0.0.1:PORT failed"],
    [
      'exit code 0\n--- stdout\n{\n"error-message": "It fails.\\n No."\n}\n--- stderr\n',
      "It fails. No.",
    ],
    ["cannot read /tmp/a-b/c.toml: gone", "cannot read …: gone"],
    ["x".repeat(500), `${"x".repeat(160)}…`],
  ];
  for (const [message, reason] of cases) assertEquals(reasonOf(new Error(message)), reason);
});
