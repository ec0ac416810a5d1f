import { assertEquals, assertMatch } from "@std/assert";
import { mirrorConsole } from "./console_mirror.ts";

/** What a console prints while `use` uses it. */
function printedBy(use: (console: Console) => void): string[] {
  const printed: string[] = [];
  const mirrored: Console = Object.create(console);
  mirrorConsole(mirrored, (stream, text) => printed.push(`${stream}: ${text}`));
  use(mirrored);
  return printed;
}

Deno.test("a mirrored console prints lines to the stream that they belong to", () => {
  const printed = printedBy((console) => {
    console.log("%s of %d", "one", 2, { three: 3n });
    console.info();
    console.warn("careful");
    console.error("broken\nin two");
    console.assert(true, "not shown");
    console.assert(false, "shown");
    console.dir([1, 2]);
  });
  assertEquals(printed, [
    "stdout: one of 2 { three: 3n }\n",
    "stdout: \n",
    "stderr: careful\n",
    "stderr: broken\nin two\n",
    "stderr: Assertion failed shown\n",
    "stdout: [ 1, 2 ]\n",
  ]);
});

Deno.test("a mirrored console indents groups", () => {
  const printed = printedBy((console) => {
    console.group("round 1");
    console.log("a\nb");
    console.groupCollapsed("inner");
    console.log("c");
    console.groupEnd();
    console.groupEnd();
    console.groupEnd();
    console.log("d");
  });
  assertEquals(
    printed.join("").replaceAll("stdout: ", ""),
    "round 1\n  a\n  b\n  inner\n    c\nd\n",
  );
});

Deno.test("a mirrored console counts, and measures time", () => {
  const printed = printedBy((console) => {
    console.count("round");
    console.count("round");
    console.countReset("round");
    console.count("round");
    console.time("fit");
    console.timeEnd("fit");
    console.timeEnd("fit");
  });
  assertEquals(printed.slice(0, 3), [
    "stdout: round: 1\n",
    "stdout: round: 2\n",
    "stdout: round: 1\n",
  ]);
  assertMatch(printed[3] ?? "", /^stdout: fit: \d+\.\d+ ms\n$/);
  assertEquals(printed[4], "stderr: The timer 'fit' was not started.\n");
});
