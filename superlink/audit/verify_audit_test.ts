import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { LogLines } from "../testing/log_lines.ts";
import { TestClock } from "../testing/test_clock.ts";
import { auditFiles } from "./audit_folder.ts";
import { lineHash } from "./audit_line.ts";
import { openAuditLog } from "./audit_log.ts";
import { type AuditFinding, verifyAudit } from "./verify_audit.ts";

/** Three files: lines 1 to 5, 6 to 10 and 11 to 14. */
const FIRST = "audit-0000000001.jsonl";
const SECOND = "audit-0000000006.jsonl";
const LAST = "audit-0000000011.jsonl";

async function onLog(play: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const [clock, logged] = [new TestClock(), new LogLines()];
    const options = { clock, log: logged.log };
    {
      // Each day has a file.
      const rotation = { maxBytes: 1e9, maxAgeMicros: 24 * 3_600 * 1_000_000 };
      await using trail = await openAuditLog(folder, { ...options, rotation });
      for (let nodeId = 1n; nodeId <= 14n; nodeId++) {
        if (nodeId === 6n || nodeId === 11n) clock.advance({ seconds: 24 * 3_600 });
        const subject = { nodeId, fingerprint: `SHA256:${"x".repeat(43)}` };
        const who = { account: "anybody" };
        const from = "127.0.0.1:4711";
        await trail.record({ who, action: "node.register", subject, from, outcome: "done" });
      }
    }
    assertEquals(await auditFiles(folder), [FIRST, SECOND, LAST]);
    await play(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Changes the lines of one file. */
async function edit(
  folder: string,
  file: string,
  change: (lines: string[]) => string[],
): Promise<void> {
  const path = join(folder, file);
  const lines = (await Deno.readTextFile(path)).split("\n").slice(0, -1);
  await Deno.writeTextFile(path, change(lines).map((line) => `${line}\n`).join(""));
}

const other = (lines: string[], index: number, change: (line: string) => string) =>
  lines.with(index, change(lines[index]!));

type Break = [
  how: string,
  break_: (folder: string) => Promise<unknown>,
  /** Where the first finding must be. */
  at: { file: string; lineNumber?: number },
];

const BREAKS: Break[] = [
  [
    "another node in a line",
    (folder) => edit(folder, FIRST, (l) => other(l, 2, (line) => line.replace('"3"', '"7"'))),
    { file: FIRST, lineNumber: 3 },
  ],
  [
    "another time in a line",
    (folder) =>
      edit(
        folder,
        SECOND,
        (l) => other(l, 1, (line) => line.replace(/"time":"..../, '"time":"1999')),
      ),
    { file: SECOND, lineNumber: 2 },
  ],
  [
    "a refusal made of what was done",
    (folder) => edit(folder, FIRST, (l) => other(l, 0, (line) => line.replace("done", "refused"))),
    { file: FIRST, lineNumber: 1 },
  ],
  [
    "a field more",
    (folder) =>
      edit(folder, FIRST, (l) => other(l, 1, (line) => line.replace(/}$/, ',"note":"ok"}'))),
    { file: FIRST, lineNumber: 2 },
  ],
  [
    "a blank more, which says the same",
    (folder) => edit(folder, FIRST, (l) => other(l, 3, (line) => line.replace(",", ", "))),
    { file: FIRST, lineNumber: 4 },
  ],
  [
    "a field twice",
    (folder) =>
      edit(
        folder,
        FIRST,
        (l) => other(l, 3, (line) => line.replace("{", '{"seq":9,')),
      ),
    { file: FIRST, lineNumber: 4 },
  ],
  [
    "another hash of the line before",
    (folder) =>
      edit(
        folder,
        FIRST,
        (l) => other(l, 2, (line) => line.replace(/[0-9a-f]{64}/, "a".repeat(64))),
      ),
    { file: FIRST, lineNumber: 2 },
  ],
  [
    "another number",
    (folder) =>
      edit(folder, SECOND, (l) => other(l, 2, (line) => line.replace('"seq":8', '"seq":9'))),
    { file: SECOND, lineNumber: 3 },
  ],
  [
    "a line dropped",
    (folder) => edit(folder, SECOND, (l) => l.toSpliced(1, 1)),
    { file: SECOND, lineNumber: 2 },
  ],
  [
    "the first line dropped",
    (folder) => edit(folder, FIRST, (l) => l.slice(1)),
    { file: FIRST, lineNumber: 1 },
  ],
  [
    "the last line of a file in the middle dropped",
    (folder) => edit(folder, SECOND, (l) => l.slice(0, -1)),
    { file: LAST, lineNumber: 1 },
  ],
  [
    "the last line of all dropped",
    (folder) => edit(folder, LAST, (l) => l.slice(0, -1)),
    { file: LAST, lineNumber: 3 },
  ],
  [
    "the last line cut off in the middle",
    (folder) => Deno.truncate(join(folder, LAST), 700),
    { file: LAST, lineNumber: 2 },
  ],
  [
    "the last line changed",
    (folder) => edit(folder, LAST, (l) => other(l, 3, (line) => line.replace('"14"', '"15"'))),
    { file: LAST, lineNumber: 4 },
  ],
  [
    "a line repeated",
    (folder) => edit(folder, FIRST, (l) => l.toSpliced(2, 0, l[1]!)),
    { file: FIRST, lineNumber: 3 },
  ],
  [
    "a forged line inserted that fits the one before",
    (folder) => edit(folder, FIRST, (l) => l.toSpliced(2, 0, l[2]!.replace('"3"', '"99"'))),
    { file: FIRST, lineNumber: 4 },
  ],
  [
    "two lines exchanged",
    (folder) => edit(folder, SECOND, (l) => [l[1]!, l[0]!, ...l.slice(2)]),
    { file: SECOND, lineNumber: 1 },
  ],
  [
    "a line moved to another file",
    async (folder) => {
      let moved = "";
      await edit(folder, FIRST, (l) => {
        moved = l[4]!;
        return l.slice(0, 4);
      });
      await edit(folder, SECOND, (l) => [moved, ...l]);
    },
    { file: SECOND, lineNumber: 1 },
  ],
  [
    "a file dropped from the middle",
    (folder) => Deno.remove(join(folder, SECOND)),
    { file: LAST, lineNumber: 1 },
  ],
  [
    "the first file dropped",
    (folder) => Deno.remove(join(folder, FIRST)),
    { file: SECOND, lineNumber: 1 },
  ],
  [
    "the last file dropped",
    (folder) => Deno.remove(join(folder, LAST)),
    { file: SECOND, lineNumber: 5 },
  ],
  [
    "a file emptied",
    (folder) => Deno.truncate(join(folder, SECOND), 0),
    { file: SECOND },
  ],
  [
    "a file named as if it began elsewhere",
    (folder) => Deno.rename(join(folder, SECOND), join(folder, "audit-0000000007.jsonl")),
    { file: "audit-0000000007.jsonl", lineNumber: 1 },
  ],
  [
    "two line ends taken out",
    async (folder) => {
      const path = join(folder, FIRST);
      await Deno.writeTextFile(path, (await Deno.readTextFile(path)).replace("\n", ""));
    },
    { file: FIRST, lineNumber: 1 },
  ],
  [
    "everything dropped",
    async (folder) => {
      for (const name of [...await auditFiles(folder), "head"]) {
        await Deno.remove(join(folder, name));
      }
    },
    { file: "head" },
  ],
  ["the head dropped", (folder) => Deno.remove(join(folder, "head")), { file: "head" }],
  [
    "the head emptied",
    (folder) => Deno.writeTextFile(join(folder, "head"), ""),
    { file: "head" },
  ],
  [
    "the head made unreadable",
    (folder) => Deno.writeTextFile(join(folder, "head"), "14\n"),
    { file: "head" },
  ],
  [
    "everything dropped but the head",
    async (folder) => {
      for (const file of [FIRST, SECOND, LAST]) await Deno.remove(join(folder, file));
    },
    { file: "head" },
  ],
];

Deno.test("verifyAudit() finds nothing in what was written", () =>
  onLog(async (folder) => {
    const { findings, fileCount, lineCount, end } = await verifyAudit(folder);
    assertEquals({ findings, fileCount, lineCount, seq: end.seq }, {
      ...{ findings: [], fileCount: 3, lineCount: 14, seq: 14 },
    });
  }));

for (const [how, break_, at] of BREAKS) {
  Deno.test(`verifyAudit() finds and locates ${how}`, () =>
    onLog(async (folder) => {
      await break_(folder);
      const { findings } = await verifyAudit(folder);
      const place = ({ file, lineNumber }: AuditFinding) =>
        lineNumber === undefined ? { file } : { file, lineNumber };
      assert(findings[0], "nothing was found");
      assertEquals(findings.map(place)[0], at, JSON.stringify(findings));
    }));
}

Deno.test("verifyAudit() begins with a later line when older files were moved", () =>
  onLog(async (folder) => {
    await Deno.remove(join(folder, FIRST));
    assertEquals((await verifyAudit(folder, { first: 6 })).findings, []);
    assertEquals((await verifyAudit(folder, { first: 5 })).findings.length, 1);
  }));

Deno.test("verifyAudit() finds a chain that was written anew by what was noted of the old", () =>
  onLog(async (folder) => {
    const { end: noted } = await verifyAudit(folder);
    assertEquals((await verifyAudit(folder, { noted })).findings, []);
    const changed = { ...noted, hash: "b".repeat(64) };
    assertEquals((await verifyAudit(folder, { noted: changed })).findings.length, 1);
    const later = { ...noted, seq: 20 };
    assertEquals((await verifyAudit(folder, { noted: later })).findings.length, 1);
  }));

Deno.test("verifyAudit() tells nothing of what is before a line that is known", async () => {
  const changed = (line: string) => line.replace("anybody", "nobody");
  const rows: readonly [how: string, break_: (folder: string) => Promise<unknown>, at?: string][] =
    [
      ["nothing", () => Promise.resolve()],
      ["the files before moved", (folder) => Deno.remove(join(folder, FIRST))],
      [
        "a line before changed",
        (folder) => edit(folder, SECOND, (l) => other(l, 0, changed)),
      ],
      ["a line before dropped", (folder) => edit(folder, FIRST, (l) => l.toSpliced(2, 1))],
      [
        "nonsense before",
        (folder) => edit(folder, FIRST, (l) => other(l, 3, () => "nonsense")),
      ],
      // It is number 7, in the second line of its file.
      ["the line itself", (folder) => edit(folder, SECOND, (l) => other(l, 1, changed)), SECOND],
      ["the line itself dropped, not the next one", async (folder) => {
        await Deno.remove(join(folder, FIRST));
        await edit(folder, SECOND, (l) => l.slice(2));
      }, SECOND],
      [
        "an older line repeated after it",
        (folder) => edit(folder, LAST, (l) => l.toSpliced(1, 0, l[0]!)),
        LAST,
      ],
      [
        "a line after it changed",
        (folder) => edit(folder, LAST, (l) => other(l, 0, changed)),
        LAST,
      ],
      [
        "the line after it dropped",
        (folder) => edit(folder, SECOND, (l) => l.toSpliced(2, 1)),
        SECOND,
      ],
      ["all before it and more dropped", async (folder) => {
        for (const file of [FIRST, SECOND]) await Deno.remove(join(folder, file));
      }, LAST],
      ["the end dropped", (folder) => edit(folder, LAST, (l) => l.slice(0, 2)), LAST],
    ];
  for (const [how, break_, at] of rows) {
    await onLog(async (folder) => {
      const [, line] = (await Deno.readTextFile(join(folder, SECOND))).split("\n");
      const since = { seq: 7, hash: lineHash(line!) };
      await break_(folder);
      const { findings: [finding] } = await verifyAudit(folder, { since });
      assertEquals(finding?.file, at, how);
    });
  }
});
