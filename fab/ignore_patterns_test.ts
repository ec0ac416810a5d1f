import { assertEquals, assertThrows } from "@std/assert";
import { FabError } from "./fab_error.ts";
import { matchPatterns, readPatterns } from "./ignore_patterns.ts";

Deno.test("matchPatterns judges paths as Flower 1.25.0 does", () => {
  const cases: readonly (readonly [patterns: string[], matched: string[], left: string[]])[] = [
    [["foo"], ["foo", "a/foo", "foo/bar"], ["foobar", "a/foobar"]],
    [["/foo"], ["foo", "foo/bar"], ["a/foo"]],
    [["foo/"], ["foo/bar", "a/foo/bar"], ["foo", "a/foo"]],
    [["a/b"], ["a/b", "a/b/c"], ["x/a/b"]],
    [["a/**"], ["a/b", "a/b/c"], ["a", "x/a/b"]],
    [["**/a"], ["a", "x/a", "x/y/a/b"], ["b"]],
    [["a/**/b"], ["a/b", "a/x/b", "a/x/y/b"], ["a/x", "b"]],
    [["**"], ["a", "a/b"], []],
    [["**/"], ["a/b"], ["a"]],
    [["*"], ["a", "a/b"], []],
    [["/*"], ["a", "a/b"], []],
    [["*.py"], ["a.py", ".py", "x/a.py", "a.py/b"], ["a.pyc", "apy"]],
    [["**/*.py"], ["a.py", "x/a.py"], ["a.pyc"]],
    [["a?c"], ["abc", "x/aüc"], ["ac", "abbc"]],
    [["[ab]x"], ["ax", "bx"], ["cx"]],
    [["[!ab]x"], ["cx"], ["ax"]],
    [["[^ab]x"], ["cx"], ["ax"]],
    [["[]-]"], ["]", "-"], ["a"]],
    [["z-[0-9]"], ["z-1"], ["z-a", "z-"]],
    [["a["], ["a["], ["a"]],
    [["\\[z\\]"], ["[z]"], ["z"]],
    [["\\#a"], ["#a"], ["a"]],
    [["*.md", "!keep.md"], ["a.md"], ["keep.md", "x/keep.md"]],
    [["build", "!build/keep.py"], ["build/a.py"], ["build/keep.py"]],
    [["!a", "a"], ["a"], []],
    [["/"], [], ["a", "a/b"]],
    [["a.b"], ["a.b"], ["axb"]],
    [["a b"], ["a b"], ["a"]],
    [["a+(b)"], ["a+(b)"], ["aab"]],
    [[], [], ["a"]],
  ];
  for (const [patterns, matched, left] of cases) {
    const isMatched = matchPatterns(patterns);
    for (const path of matched) assertEquals(isMatched(path), true, `${patterns} on ${path}`);
    for (const path of left) assertEquals(isMatched(path), false, `${patterns} on ${path}`);
  }
});

Deno.test("matchPatterns refuses patterns that say nothing certain", () => {
  assertThrows(() => matchPatterns(["a\\"]), FabError, "lone backslash");
  assertThrows(() => matchPatterns(["[z-a]"]), FabError, "cannot be read");
});

Deno.test("readPatterns drops comments, blanks and what is no text", () => {
  const read = (text: string) => readPatterns(new TextEncoder().encode(text));
  assertEquals(read("# note\n\n  *.md  \r\n\t!a.md\n#b"), ["*.md", "!a.md"]);
  assertEquals(readPatterns(new Uint8Array([0xff, 0xfe, 0x61])), []);
});
