import { assertEquals } from "@std/assert";
import { plain } from "./colour.ts";
import { createLog, type LogLevel } from "./log.ts";

const NOW = () => new Date("2026-01-02T03:04:05.678Z");

function lineOf(format: "text" | "json", sentence: string): string {
  const lines: string[] = [];
  createLog({ format, write: (line) => lines.push(line), paint: plain, now: NOW })
    .info("node.named", sentence, { name: sentence });
  assertEquals(lines.length, 1);
  return lines[0] ?? "";
}

/** What a peer may say, and what the log shows of it. */
const WORDS: readonly [name: string, said: string, shown: string][] = [
  ["a line of its own", "a\nERROR    b", "a ERROR    b"],
  ["a return", "a\rb", "a\ufffdb"],
  ["a colour", "a\x1b[31mb", "a\ufffd[31mb"],
  ["a sequence of 8 bits", "a\x9b31mb", "a\ufffd31mb"],
  ["a bell", "a\x07b", "a\ufffdb"],
  ["a line of Unicode", "a\u2028b\u2029c", "a\ufffdb\ufffdc"],
  ["letters that run the other way", "a\u202eb\u2066c", "a\ufffdb\ufffdc"],
  ["marks of direction", "a\u200fb\u061cc", "a\ufffdb\ufffdc"],
  ["other languages", "\u5317\u4eac \u0627 \u{1f338}", "\u5317\u4eac \u0627 \u{1f338}"],
];

for (const [name, said, shown] of WORDS) {
  Deno.test(`A log line shows ${name} as text`, () => {
    assertEquals(lineOf("text", said), `INFO     03:04:05  ${shown}`);
  });

  Deno.test(`A log line for machines keeps ${name} on one line, escaped`, () => {
    const line = lineOf("json", said);
    assertEquals(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e]/u.test(line), false);
    const { event, level, message } = JSON.parse(line);
    assertEquals([event, level, message], ["node.named", "info", said]);
  });
}

Deno.test("Where Deno exports its console, a line goes there with its level", () => {
  const methods = { debug: "debug", info: "info", warning: "warn", error: "error" } as const;
  const levels = ["debug", "info", "warning", "error"] as const satisfies readonly LogLevel[];
  const told: string[] = [];
  const before = { ...console };
  const known = Deno.env.get("OTEL_DENO");
  try {
    Deno.env.set("OTEL_DENO", "true");
    for (const method of Object.values(methods)) {
      console[method] = (line: string) => told.push(`${method} ${line}`);
    }
    const log = createLog({ format: "text", level: "debug", now: NOW });
    for (const level of levels) log[level]("event", `A ${level}.`);
  } finally {
    Object.assign(console, before);
    if (known === undefined) Deno.env.delete("OTEL_DENO");
    else Deno.env.set("OTEL_DENO", known);
  }
  assertEquals(
    told,
    levels.map((level) => {
      return `${methods[level]} ${level.toUpperCase().padEnd(8)} 03:04:05  A ${level}.`;
    }),
  );
});
