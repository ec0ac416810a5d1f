import { join } from "node:path";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { LogLines } from "../testing/log_lines.ts";
import { TestClock } from "../testing/test_clock.ts";
import type { AuditEntry } from "./audit.ts";
import { auditFileName, auditFiles } from "./audit_folder.ts";
import { type ChainEnd, lineAfter, lineHash } from "./audit_line.ts";
import { openAuditLog } from "./audit_log.ts";
import { unsettledEnd } from "./unsettled_end.ts";
import { verifyAudit } from "./verify_audit.ts";

const ENTRY: AuditEntry = {
  who: { account: "anybody" },
  action: "node.resume",
  subject: { nodeId: 7n },
  outcome: "done",
};
const FILE = auditFileName(1);

async function inFolder(
  play: (folder: string, write: (count: number) => Promise<void>) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await play(folder, async (count) => {
      const options = { clock: new TestClock(), log: new LogLines().log };
      await using trail = await openAuditLog(folder, options);
      for (let line = 0; line < count; line++) await trail.record(ENTRY);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Writes lines as the log's own writer does, without a word in the head file. */
async function forge(folder: string, file: string, count: number): Promise<void> {
  let { end }: { readonly end: ChainEnd } = await verifyAudit(folder);
  for (let line = 0; line < count; line++) {
    const text = lineAfter(end, ENTRY, 1.7e15);
    await Deno.writeTextFile(join(folder, file), `${text}\n`, { append: true });
    end = { seq: end.seq + 1, hash: lineHash(text) };
  }
}

const AT_ONCE = { attempts: 1 };

Deno.test("Lines that somebody adds in the chain's own spelling are found and located", async () => {
  const rows: readonly [file: string, count: number, lineNumber: number, which: string][] = [
    [FILE, 1, 4, "line 4 is"],
    [FILE, 3, 4, "lines 4 to 6 are"],
    [auditFileName(4), 2, 1, "lines 4 to 5 are"],
  ];
  for (const [file, count, lineNumber, which] of rows) {
    await inFolder(async (folder, write) => {
      await write(3);
      assertEquals(await unsettledEnd(folder, AT_ONCE), undefined);
      await forge(folder, file, count);
      assertEquals((await verifyAudit(folder)).findings, []);
      const found = await unsettledEnd(folder, AT_ONCE);
      assertEquals([found?.file, found?.lineNumber], [file, lineNumber]);
      assertStringIncludes(found?.what ?? "", which);
      // The next start takes them for its own, and says so in a line.
      await write(0);
      assertEquals(await unsettledEnd(folder, AT_ONCE), undefined);
      const last = (await auditFiles(folder)).at(-1) ?? "";
      const text = await Deno.readTextFile(join(folder, last));
      assertStringIncludes(text, '"action":"audit.heal"');
    });
  }
});

Deno.test("Half of a line at the end is found once nobody ends it", () =>
  inFolder(async (folder, write) => {
    await write(2);
    await Deno.writeTextFile(join(folder, FILE), '{"seq":3,', { append: true });
    const found = await unsettledEnd(folder, { attempts: 2, pauseMs: 1 });
    assertEquals([found?.file, found?.lineNumber], [FILE, 3]);
  }));

Deno.test("A log that is being written, or has no line yet, has nothing wrong at its end", () =>
  inFolder(async (folder, write) => {
    await write(0);
    assertEquals(await unsettledEnd(folder, AT_ONCE), undefined);
    let isWriting = true;
    const writing = write(300).finally(() => isWriting = false);
    while (isWriting) assertEquals(await unsettledEnd(folder, { pauseMs: 1 }), undefined);
    await writing;
  }));
