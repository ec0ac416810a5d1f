import { join } from "node:path";
import { assertEquals, assertNotEquals } from "@std/assert";
import type { AuditEntry } from "../audit/audit.ts";
import { auditFiles } from "../audit/audit_folder.ts";
import { openAuditLog } from "../audit/audit_log.ts";
import { LogLines } from "../testing/log_lines.ts";
import { TestClock } from "../testing/test_clock.ts";
import { AuditTail } from "./audit_list.ts";

const entry = (nodeId: number): AuditEntry => ({
  ...{ who: { account: "anybody" }, action: "node.register", from: "[::1]:1", outcome: "done" },
  subject: { nodeId: BigInt(nodeId) },
});

/** The numbers of the lines that are shown, and of the first and the last. */
async function shown(tail: AuditTail) {
  const numbers = (await tail.newest()).map(({ seq }) => seq);
  const isWhole = numbers.every((seq, index) => seq === numbers[0]! - index);
  return { count: numbers.length, newest: numbers[0], oldest: numbers.at(-1), isWhole };
}

Deno.test("AuditTail gives the newest lines as they come, over files that begin", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const rotation = { maxBytes: 50_000, maxAgeMicros: 1e15 };
    const options = { clock: new TestClock(), log: new LogLines().log, rotation };
    await using trail = await openAuditLog(folder, options);
    const write = (from: number, to: number) =>
      Promise.all(
        Array.from({ length: to - from + 1 }, (_, index) => trail.record(entry(from + index))),
      );
    const tail = new AuditTail(folder);
    assertEquals(await tail.newest(), []);
    await write(1, 3);
    const revision = await tail.revision();
    assertEquals(await shown(tail), { count: 3, newest: 3, oldest: 1, isWhole: true });
    await write(4, 4);
    assertNotEquals(await tail.revision(), revision);
    assertEquals(await shown(tail), { count: 4, newest: 4, oldest: 1, isWhole: true });
    for (let from = 5; from < 1_500; from += 300) {
      await write(from, from + 299);
      await shown(tail);
    }
    assertEquals((await auditFiles(folder)).length > 3, true);
    const expected = { count: 1_000, newest: 1_504, oldest: 505, isWhole: true };
    assertEquals(await shown(tail), expected);
    // One that begins to look now finds fewer where files are this small, and all of the last.
    const late = await shown(new AuditTail(folder));
    assertEquals([late.newest, late.isWhole], [1_504, true]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("AuditTail passes over what is half a line, and over the start of a large file", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const options = { clock: new TestClock(), log: new LogLines().log };
    {
      await using trail = await openAuditLog(folder, options);
      for (let from = 1; from <= 15_000; from += 5_000) {
        await Promise.all(
          Array.from({ length: 5_000 }, (_, index) => trail.record(entry(from + index))),
        );
      }
    }
    const [file = ""] = await auditFiles(folder);
    const path = join(folder, file);
    await Deno.writeTextFile(path, '{"seq":15001', { append: true });
    const tail = new AuditTail(folder);
    const expected = { count: 1_000, newest: 15_000, oldest: 14_001, isWhole: true };
    assertEquals(await shown(tail), expected);
    assertEquals(await shown(tail), expected);
    // A start removes what is half a line and goes on there.
    await using trail = await openAuditLog(folder, options);
    await trail.record(entry(1));
    assertEquals((await shown(tail)).newest, 15_002);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
