import { assertEquals } from "@std/assert";
import { LogTextFilter } from "./log_text.ts";

const LOG = "\x1b[92mINFO \x1b[0m:      text\n\tround\r1";

Deno.test("LogTextFilter keeps colours where they are wanted, and lines, tabs and returns", () => {
  assertEquals(new LogTextFilter({ colours: true }).push(LOG), LOG);
  assertEquals(new LogTextFilter({ colours: false }).push(LOG), "INFO :      text\n\tround\r1");
});

Deno.test("LogTextFilter lets nothing else drive the terminal", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["a\x1b[2Jb", "ab"],
    ["a\x1b[1;1Hb\x1b[?25lc", "abc"],
    ["a\x1b]0;title\x07b", "ab"],
    ["a\x1b]8;;http://x\x1b\\b", "ab"],
    ["a\x1bcb", "ab"],
    ["a\x1b(Bb", "ab"],
    ["a\x9b2Jb\x07\x00", "a2Jb"],
    ["a\x1b\nb", "a\nb"],
    [`a\x1b]${"x".repeat(300)}`, `a]${"x".repeat(300)}`],
    ["日本 é 🎊", "日本 é 🎊"],
  ];
  for (const [text, shown] of cases) {
    assertEquals(new LogTextFilter({ colours: true }).push(text), shown, JSON.stringify(text));
  }
});

Deno.test("LogTextFilter sees a sequence that is cut at any place", () => {
  const text = "x\x1b[31mred\x1b[0m \x1b[2Jy\x1b]0;t\x1b\\z";
  for (let at = 0; at <= text.length; at++) {
    const filter = new LogTextFilter({ colours: true });
    const shown = filter.push(text.slice(0, at)) + filter.push(text.slice(at));
    assertEquals(shown, "x\x1b[31mred\x1b[0m yz", String(at));
  }
});
