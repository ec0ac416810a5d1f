import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../terminal/errors.ts";
import { keepsTypeScript, preloadOf } from "./preload_flags.ts";

const CASES: readonly (readonly [readonly string[], typeof Deno.build.os, boolean])[] = [
  [[], "linux", true],
  [[], "darwin", false],
  [[], "windows", false],
  [["preload"], "linux", true],
  [["preload"], "darwin", true],
  [["no-preload"], "linux", false],
  [["no-preload"], "darwin", false],
  [["no-preload"], "windows", false],
];
for (const [flags, system, expected] of CASES) {
  const given = flags.length === 0 ? "without flags" : `with --${flags[0]}`;
  Deno.test(`Python apps are ${expected ? "" : "not "}forked on ${system} ${given}`, () => {
    assertEquals(preloadOf(new Map(flags.map((flag) => [flag, []])), system), expected);
  });
}

Deno.test("--preload is refused together with --no-preload, and where there is no fork", () => {
  const both = new Map([["preload", []], ["no-preload", []]]);
  assertThrows(() => preloadOf(both, "linux"), UsageError, "--no-preload");
  assertThrows(() => preloadOf(new Map([["preload", []]]), "windows"), UsageError, "Windows");
});

Deno.test("processes of TypeScript apps are kept unless --no-preload is given", () => {
  assertEquals(keepsTypeScript(new Map()), true);
  assertEquals(keepsTypeScript(new Map([["preload", []]])), true);
  assertEquals(keepsTypeScript(new Map([["no-preload", []]])), false);
});
