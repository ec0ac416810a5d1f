import { assertEquals } from "@std/assert";
import { formatReport, type ProcessReport, ReportReader } from "./process_report.ts";

function read(...pieces: readonly string[]): readonly [string, readonly ProcessReport[]] {
  let printed = "";
  const reports: ProcessReport[] = [];
  const reader = new ReportReader((text) => printed += text, (report) => reports.push(report));
  for (const piece of pieces) reader.take(piece);
  reader.end();
  return [printed, reports];
}

const taken: ProcessReport = { kind: "taken" };
const done: ProcessReport = { kind: "done", exitCode: 12 };

Deno.test("reports are taken out of what an app prints, also in the middle of its lines", () => {
  const text = `one${formatReport(taken)} line\n${formatReport(done)}two\n`;
  assertEquals(read(text), ["one line\ntwo\n", [taken, done]]);
});

Deno.test("reports that come in pieces are understood", () => {
  const text = `a${formatReport(taken)}b${formatReport(done)}c`;
  assertEquals(read(...text), ["abc", [taken, done]]);
});

const NO_REPORTS = ["\x1e", "\x1e\n", "\x1etaken", "\x1etaken \n", "\x1edone\n", "\x1edone -1\n"];
for (const text of [...NO_REPORTS, "\x1edone 1000\n", `\x1e${"taken".repeat(9)}\n`, "\x1e\x1e"]) {
  Deno.test(`${JSON.stringify(text)} is text that an app prints`, () => {
    assertEquals(read(text), [text, []]);
    assertEquals(read(...text), [text, []]);
    assertEquals(read(text + formatReport(done)), [text, [done]]);
  });
}
