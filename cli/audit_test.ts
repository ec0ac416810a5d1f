import { join } from "node:path";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { openAuditLog } from "../superlink/audit/audit_log.ts";
import { LogLines } from "../superlink/testing/log_lines.ts";
import { TestClock } from "../superlink/testing/test_clock.ts";
import { runCli } from "./testing/control_server.ts";

const AT_MICROS = Date.parse("2026-11-23T12:00:00Z") * 1_000;

/** A log with three lines: a registration, a refusal and, a day later, the end of a run. */
async function onLog(
  play: (audit: (...args: string[]) => ReturnType<typeof runCli>, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const database = join(folder, "state.kv");
  try {
    {
      const clock = new TestClock(AT_MICROS);
      await using trail = await openAuditLog(`${database}.audit`, {
        clock,
        log: new LogLines().log,
      });
      const outcome = "done";
      await trail.record({
        ...{ who: { tokenId: "t1", tokenName: "Ada" }, action: "node.register", outcome },
        ...{ subject: { nodeId: 17n, fingerprint: "SHA256:x" }, from: "10.0.0.1:7" },
      });
      trail.note({
        ...{ who: {}, action: "fleet.PullMessages", subject: {}, from: "10.0.0.2:7" },
        ...{ outcome: "refused", reason: "\u001b[31mbad\nproof" },
      });
      clock.advance({ seconds: 86_400 });
      const subject = { detail: "completed: @a/b 1.0.0", runId: 5n };
      await trail.record({ who: { program: "superlink" }, action: "run.end", subject, outcome });
    }
    const audit = (command = "", ...args: string[]) =>
      runCli(["audit", command, "--database", database, ...args]);
    await play(audit, `${database}.audit`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("audit list shows lines that a filter lets through, without a stranger's escapes", () =>
  onLog(async (audit) => {
    const { code, stdout } = await audit("list");
    assertEquals(code, 0);
    const shown = ["node.register", "SuperNode 17", "called Ada", "10.0.0.2:7", "bad"];
    for (const words of [...shown, "run 5 · completed: @a/b 1.0.0"]) {
      assertStringIncludes(stdout, words);
    }
    assertEquals(stdout.includes("\u001b"), false);
    const cases: [string[], number[]][] = [
      [[], [1, 2, 3]],
      [["--node", "17"], [1]],
      [["--run", "5"], [3]],
      [["--action", "node"], [1]],
      [["--action", "node.register"], [1]],
      [["--action", "no"], []],
      [["--refused"], [2]],
      [["--since", "2026-11-24"], [3]],
      [["--since", "2026-11-23T12:00Z"], [1, 2, 3]],
      [["--limit", "2"], [2, 3]],
    ];
    for (const [flags, expected] of cases) {
      const { stdout } = await audit("list", "--format", "json", ...flags);
      const { lines } = JSON.parse(stdout);
      assertEquals(lines.map(({ seq }: { seq: number }) => seq), expected, flags.join(" "));
    }
    for (const [flag, value] of [["--since", "yesterday"], ["--node", "ward 3"], ["--run", "x"]]) {
      assertEquals((await audit("list", flag!, value!)).code, 2, flag);
    }
  }));

Deno.test("audit export gives the lines as they are", () =>
  onLog(async (audit, folder) => {
    const { code, stdout } = await audit("export");
    assertEquals(code, 0);
    assertEquals(stdout, await Deno.readTextFile(join(folder, "audit-0000000001.jsonl")));
  }));

Deno.test("audit verify names the last line, and a changed one with its file", () =>
  onLog(async (audit, folder) => {
    const { code, stdout } = await audit("verify");
    assertEquals(code, 0);
    const noted = /3:[0-9a-f]{64}/.exec(stdout)![0];
    assertEquals((await audit("verify", "--noted", noted)).code, 0);
    const file = join(folder, "audit-0000000001.jsonl");
    await Deno.writeTextFile(file, (await Deno.readTextFile(file)).replace('"17"', '"18"'));
    const found = await audit("verify");
    assertEquals(found.code, 1);
    assertStringIncludes(found.stdout, "audit-0000000001.jsonl:1: the line was changed");
    const json = await audit("verify", "--format", "json");
    assertEquals(json.code, 1);
    const { success, findings: [finding] } = JSON.parse(json.stdout);
    assertEquals([success, finding.file, finding.line], [false, "audit-0000000001.jsonl", 1]);
    assertEquals((await audit("verify", "--noted", "3:x")).code, 2);
  }));

Deno.test("audit says where it looked when there is no log", async () => {
  const { code, stderr } = await runCli(["audit", "list", "--database", "/nowhere/state.kv"]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, 'There is no audit log in "/nowhere/state.kv.audit".');
});
