import { join } from "node:path";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ExitError } from "../../terminal/errors.ts";
import { StatusError } from "../../wire/status.ts";
import { LogLines } from "../testing/log_lines.ts";
import { TestClock } from "../testing/test_clock.ts";
import { audited, type AuditEntry } from "./audit.ts";
import { type AuditFiles, openAuditFiles } from "./audit_files.ts";
import { auditFiles } from "./audit_folder.ts";
import { CHAIN_START } from "./audit_line.ts";
import { FileTrail, openAuditLog } from "./audit_log.ts";
import { readAudit } from "./read_audit.ts";
import { verifyAudit } from "./verify_audit.ts";

const ENTRY: AuditEntry = {
  who: { tokenId: "t1", tokenName: "Ada" },
  action: "node.register",
  subject: { nodeId: 2n ** 64n - 1n },
  from: "[::1]:4711",
  outcome: "done",
};

const refusal = (reason: string): AuditEntry => ({
  ...{ who: {}, action: "fleet.PullMessages", subject: {}, from: "10.0.0.1:1", outcome: "refused" },
  reason,
});

async function inFolder(
  play: (folder: string, options: { clock: TestClock; log: LogLines["log"] }) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await play(folder, { clock: new TestClock(), log: new LogLines().log });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function linesOf(folder: string) {
  return (await Array.fromAsync(readAudit(folder))).map(({ line }) => line);
}

Deno.test("An entry is on disk when it is recorded, in a file that only its owner reads", () =>
  inFolder(async (folder, options) => {
    await using trail = await openAuditLog(folder, options);
    await trail.ready();
    await trail.record(ENTRY);
    const [line] = await linesOf(folder);
    assertEquals(line?.subject, { nodeId: "18446744073709551615" });
    assertEquals([line?.seq, line?.prev, line?.from], [1, "0".repeat(64), "[::1]:4711"]);
    assertEquals((await verifyAudit(folder)).findings, []);
    for (const file of [...await auditFiles(folder), "head", "reserve"]) {
      assertEquals((await Deno.stat(join(folder, file))).mode! & 0o777, 0o600, file);
    }
  }));

Deno.test("A log that has no line yet is whole", () =>
  inFolder(async (folder, options) => {
    await using _trail = await openAuditLog(folder, options);
    assertEquals((await verifyAudit(folder)).findings, []);
  }));

Deno.test("A chain goes on after a restart, also while it is read", () =>
  inFolder(async (folder, options) => {
    for (let start = 0; start < 3; start++) {
      await using trail = await openAuditLog(folder, options);
      await Promise.all(Array.from({ length: 50 }, () => trail.record(ENTRY)));
      assertEquals((await verifyAudit(folder)).findings, []);
    }
    assertEquals((await linesOf(folder)).map(({ seq }) => seq), range(150));
    assertEquals((await auditFiles(folder)).length, 1);
  }));

Deno.test("A full file is followed by another, and the chain goes on", () =>
  inFolder(async (folder, options) => {
    const rotation = { maxBytes: 1_000, maxAgeMicros: 1e15 };
    for (let start = 0; start < 2; start++) {
      await using trail = await openAuditLog(folder, { ...options, rotation });
      for (let count = 0; count < 20; count++) await trail.record(ENTRY);
    }
    assert((await auditFiles(folder)).length > 5);
    const { findings, lineCount } = await verifyAudit(folder);
    assertEquals([findings, lineCount], [[], 40]);
  }));

Deno.test("A line that a killed process left half written is removed, which has a line", async () => {
  for (const torn of ['{"seq":4', "{", '{"seq":4,"prev":"0000"}']) {
    await inFolder(async (folder, options) => {
      {
        await using trail = await openAuditLog(folder, options);
        for (let count = 0; count < 3; count++) await trail.record(ENTRY);
      }
      const [file] = await auditFiles(folder);
      await Deno.writeTextFile(join(folder, file!), torn, { append: true });
      assertEquals((await verifyAudit(folder)).findings, [], "it may be being written");
      {
        await using trail = await openAuditLog(folder, options);
        await trail.record(ENTRY);
      }
      const lines = await linesOf(folder);
      assertEquals(lines.map(({ action }) => action).slice(3), ["audit.heal", "node.register"]);
      assertEquals((await verifyAudit(folder)).findings, []);
    });
  }
});

Deno.test("A head that a killed process did not write any more is told of in a line", () =>
  inFolder(async (folder, options) => {
    {
      await using trail = await openAuditLog(folder, options);
      await trail.record(ENTRY);
      await Deno.copyFile(join(folder, "head"), join(folder, "old"));
      await trail.record(ENTRY);
    }
    await Deno.rename(join(folder, "old"), join(folder, "head"));
    assertEquals((await verifyAudit(folder)).findings, []);
    {
      await using trail = await openAuditLog(folder, options);
      await trail.record(ENTRY);
    }
    const lines = await linesOf(folder);
    const { action: register } = ENTRY;
    assertEquals(
      lines.map(({ action }) => action),
      [register, register, "audit.heal", register],
    );
    assertEquals(lines[2]?.subject["detail"], "line 2 is newer than what the head file knew");
    assertEquals((await verifyAudit(folder)).findings, []);
  }));

Deno.test("A head that cannot be written costs nothing: no line is written twice", () =>
  inFolder(async (folder, options) => {
    const { files, end } = await openAuditFiles(folder);
    const write = Deno.FsFile.prototype.write;
    const { size } = await Deno.stat(join(folder, "head"));
    assertEquals(size, 0);
    {
      await using trail = new FileTrail(files, end, options.clock, options.log);
      await trail.record(ENTRY);
      Deno.FsFile.prototype.write = function (bytes) {
        // As on a full disk that has room for nothing new: lines have theirs already.
        if (/^\d{15} /.test(new TextDecoder().decode(bytes))) throw new Error("No space left.");
        return write.call(this, bytes);
      };
      try {
        await trail.record(ENTRY);
        assertEquals((await verifyAudit(folder)).findings, []);
      } finally {
        Deno.FsFile.prototype.write = write;
      }
      await trail.record(ENTRY);
    }
    assertEquals((await linesOf(folder)).map(({ seq }) => seq), range(3));
    assertEquals((await verifyAudit(folder)).findings, []);
  }));

Deno.test("A tail that was dropped is found for ever, also after a start", () =>
  inFolder(async (folder, options) => {
    {
      await using trail = await openAuditLog(folder, options);
      for (let count = 0; count < 5; count++) await trail.record(ENTRY);
    }
    const path = join(folder, (await auditFiles(folder))[0]!);
    const lines = (await Deno.readTextFile(path)).split("\n");
    await Deno.writeTextFile(path, `${lines.slice(0, 3).join("\n")}\n`);
    {
      await using _trail = await openAuditLog(folder, options);
    }
    const { findings } = await verifyAudit(folder);
    assertEquals(findings.map(({ lineNumber }) => lineNumber), [4]);
    assertEquals(findings[0]?.what, "lines 4 to 5 are missing before this one");
  }));

Deno.test("Two SuperLinks cannot write one log", () =>
  inFolder(async (folder, options) => {
    await using _trail = await openAuditLog(folder, options);
    await assertRejects(() => openAuditLog(folder, options), ExitError, "another SuperLink");
  }));

Deno.test("A flood of refusals has a bounded number of lines, and is counted", () =>
  inFolder(async (folder, options) => {
    {
      await using trail = await openAuditLog(folder, options);
      for (let call = 0; call < 20_000; call++) trail.note(refusal(`reason ${call % 40}`));
      await trail.record(ENTRY);
    }
    const lines = await linesOf(folder);
    assert(lines.length < 100, `${lines.length} lines`);
    const told = lines.filter(({ outcome }) => outcome === "refused")
      .reduce((sum, { count = 1 }) => sum + count, 0);
    assertEquals(told, 20_000);
    assertEquals((await verifyAudit(folder)).findings, []);
  }));

Deno.test("A stranger's long words are cut, and odd ones do not break a line", () =>
  inFolder(async (folder, options) => {
    const odd = ["x".repeat(100_000), '"}\n{"seq":1', "\ud800", "\u0000\u2028", "__proto__"];
    {
      await using trail = await openAuditLog(folder, options);
      for (const reason of odd) trail.note(refusal(reason));
    }
    const lines = await linesOf(folder);
    assertEquals(lines.length, odd.length);
    assertEquals(lines[1]?.reason, odd[1]);
    assert(lines[0]!.reason!.length < 1_000);
    assertEquals((await verifyAudit(folder)).findings, []);
  }));

/** Files on a disk that a test fills. */
class FullFiles implements AuditFiles {
  readonly lines: string[] = [];
  isFull = false;
  reserved = false;

  append(lines: readonly string[]): Promise<void> {
    if (this.isFull) return Promise.reject(new Error("No space left on device (os error 28)"));
    this.lines.push(...lines);
    return Promise.resolve();
  }

  release(): Promise<void> {
    if (this.reserved) [this.reserved, this.isFull] = [false, false];
    return Promise.resolve();
  }

  secure(): Promise<void> {
    if (this.reserved) return Promise.resolve();
    if (this.isFull) return Promise.reject(new Error("No space left on device (os error 28)"));
    this.reserved = true;
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Each field that holds words, with a word in it. */
const FIELDS: readonly [field: string, entry: (word: string) => AuditEntry][] = [
  ...(["account", "tokenId", "tokenName", "fingerprint", "program"] as const).map(
    (field): [string, (word: string) => AuditEntry] => [
      `who.${field}`,
      (word) => ({ ...ENTRY, who: { [field]: word } }),
    ],
  ),
  ...(
    [
      ...["fingerprint", "tokenId", "role", "name", "location", "labels", "expires"],
      ...["status", "detail"],
    ] as const
  ).map((field): [string, (word: string) => AuditEntry] => [
    `subject.${field}`,
    (word) => ({ ...ENTRY, subject: { [field]: word } }),
  ]),
  ["action", (word) => ({ ...ENTRY, action: word })],
  ["from", (word) => ({ ...ENTRY, from: word })],
  ["reason", (word) => ({ ...ENTRY, reason: word })],
];

Deno.test("No word in any field breaks a line, passes for another, or has more than 500 signs", () =>
  inFolder(async (folder, options) => {
    const words = [
      "x".repeat(1_000_000),
      'a\nb\r\n{"seq":1}',
      "\u001b[31mred\u0007\u009b2J",
      '"},"outcome":"done"}',
      "\u2028\u2029\u202e\u0000\ud800",
      "😀".repeat(1_000),
    ];
    await using trail = await openAuditLog(folder, options);
    for (const word of words) {
      await Promise.all(FIELDS.map(([, entry]) => trail.record(entry(word))));
    }
    const lines = await linesOf(folder);
    assertEquals(lines.length, words.length * FIELDS.length);
    for (const [index, line] of lines.entries()) {
      const [field] = FIELDS[index % FIELDS.length]!;
      const word = words[Math.floor(index / FIELDS.length)]!.toWellFormed();
      const text = field.split(".").reduce<unknown>(
        (value, name) => Reflect.get(value as object, name),
        line,
      );
      assert(typeof text === "string" && text.length <= 501, field);
      const whole = word.length <= 500;
      assertEquals(text, whole ? word : `${word.slice(0, 500).toWellFormed()}…`, field);
    }
    for (const { name } of Deno.readDirSync(folder)) {
      if (!name.endsWith(".jsonl")) continue;
      // deno-lint-ignore no-control-regex
      assert(!/[\x00-\x09\x0b-\x1f]/.test(await Deno.readTextFile(join(folder, name))));
    }
    assertEquals((await verifyAudit(folder)).findings, []);
  }));

Deno.test("On a full disk what was begun has its line, and after it operators are refused", async () => {
  const [files, logged] = [new FullFiles(), new LogLines()];
  await using trail = new FileTrail(files, CHAIN_START, new TestClock(), logged.log);
  let done = 0;
  const act = () => audited(trail, ENTRY, () => Promise.resolve(done++));
  await act();
  files.isFull = true;
  await act();
  assertEquals([done, files.lines.length], [2, 2]);
  files.isFull = true;
  await assertRejects(
    act,
    StatusError,
    "Nothing was done: the SuperLink cannot write its audit log",
  );
  assertEquals([done, files.lines.length], [2, 2]);
  assertEquals(logged.of("audit.write-failed").length, 1);
  trail.note(ENTRY);
  files.isFull = false;
  await act();
  assertEquals(done, 3);
  // What nobody waited for is there, too.
  assertEquals(files.lines.length, 4);
});

Deno.test("What was done while the disk filled up has its line later", async () => {
  const [files, logged] = [new FullFiles(), new LogLines()];
  await using trail = new FileTrail(files, CHAIN_START, new TestClock(), logged.log);
  const act = (id: bigint) => {
    const action = { ...ENTRY, action: "node.suspend", subject: { nodeId: id } };
    // More lines than the room that was kept has place for.
    const fill = () => Promise.resolve(files.isFull = true).then(() => files.reserved = false);
    return audited(trail, action, fill);
  };
  for (const id of [1n, 2n]) {
    files.isFull = false;
    await assertRejects(() => act(id), StatusError, "its line follows once");
  }
  files.isFull = false;
  await trail.record(ENTRY);
  assertEquals(
    files.lines.map((line) => JSON.parse(line).subject.nodeId),
    ["1", "2", String(ENTRY.subject.nodeId)],
  );
});

Deno.test("What failed is noted as refused, with the reason that the caller was told", () =>
  inFolder(async (folder, options) => {
    {
      await using trail = await openAuditLog(folder, options);
      const refuse = () => Promise.reject(new StatusError("NOT_FOUND", "There is no such node."));
      await assertRejects(() => audited(trail, ENTRY, refuse), StatusError);
    }
    const [line] = await linesOf(folder);
    assertEquals([line?.outcome, line?.reason], ["refused", "There is no such node."]);
  }));

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
