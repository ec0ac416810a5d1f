import { assertEquals } from "@std/assert";
import { lastLine } from "./last_line.ts";

const FAREWELL = (code: number) =>
  `\x1b[91mERROR \x1b[0m:     Exit Code: ${code}\n\nThe reason in general.\n\n` +
  `For more information, visit: <https://flower.ai/docs/ref-exit-codes/${code}.html>\n`;

const cases: readonly (readonly [what: string, log: string, line: string | undefined])[] = [
  ["gives nothing of an empty log", "", undefined],
  ["gives nothing of blank lines", " \n\n", undefined],
  ["gives the last line that is not blank", "one\ntwo\n \n", "two"],
  ["leaves out colours and the level", "\x1b[91mERROR \x1b[0m:     No data.\n", "No data."],
  [
    "passes over what Flower says of its exit code",
    `\x1b[91mERROR \x1b[0m:     ServerApp raised an exception\nValueError: no model\n${
      FAREWELL(201)
    }`,
    "ValueError: no model",
  ],
  ["gives nothing when Flower says nothing else", FAREWELL(203), undefined],
  [
    "keeps an exit code that is the app's own business",
    "Exit Code: 7\nGood bye\n",
    "Good bye",
  ],
  [
    "says what else Flower calls a start that was refused",
    `\x1b[91mERROR \x1b[0m:     Failed to start run.\n${FAREWELL(203)}`,
    "Failed to start run. Flower 1.25 says so of an app that raises a RuntimeError, too.",
  ],
  [
    "gives the RuntimeError where the log has it",
    `\x1b[91mERROR \x1b[0m:     Failed to start run.\nTraceback (most recent call last):\n` +
    `RuntimeError: out of memory\n${FAREWELL(203)}`,
    "RuntimeError: out of memory",
  ],
  ["cuts a line that is too long", "x".repeat(600), "x".repeat(500)],
];

for (const [what, log, line] of cases) {
  Deno.test(`lastLine ${what}`, () => assertEquals(lastLine(log), line));
}
