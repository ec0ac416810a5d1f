import { assert, assertEquals } from "@std/assert";
import { RunLogs } from "./run_logs.ts";

const NOW = 1_760_000_000_000_000;
const RUN = 7n;

async function onLogs(play: (logs: RunLogs, kv: Deno.Kv) => Promise<void>): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  try {
    await play(new RunLogs(kv, false), kv);
  } finally {
    kv.close();
  }
}

async function textOf(logs: RunLogs, runId = RUN): Promise<string> {
  let text = "";
  for (let at = 0;;) {
    const chunks = await logs.after(runId, at);
    if (chunks.length === 0) return text;
    for (const chunk of chunks) {
      assert(chunk.at > at, "times grow strictly");
      at = chunk.at;
      text += chunk.text;
    }
  }
}

Deno.test("RunLogs keeps what was written in order, also within one microsecond", () =>
  onLogs(async (logs, kv) => {
    for (let count = 0; count < 5; count++) await logs.append(RUN, `${count};`, NOW);
    await logs.append(8n, "another run's", NOW);
    await logs.append(RUN, "", NOW);
    await logs.append(RUN, "clock went back;", NOW - 1_000_000);
    assertEquals(await textOf(logs), "0;1;2;3;4;clock went back;");
    const again = new RunLogs(kv, false);
    await again.append(RUN, "after a restart", NOW);
    assertEquals(await textOf(again), "0;1;2;3;4;clock went back;after a restart");
  }));

Deno.test("RunLogs.after() gives what is newer than the time, and a limited piece of it", () =>
  onLogs(async (logs) => {
    for (let count = 0; count < 3; count++) await logs.append(RUN, `${count}`, NOW + count * 10);
    const times = (after: number, limit?: number) =>
      logs.after(RUN, after, limit).then((chunks) => chunks.map(({ text }) => text).join(""));
    assertEquals(await times(0), "012");
    assertEquals(await times(NOW - 1), "012");
    assertEquals(await times(NOW), "12");
    assertEquals(await times(NOW + 9), "12");
    assertEquals(await times(NOW + 20), "");
    assertEquals(await times(Number.MAX_SAFE_INTEGER - 1), "");
    assertEquals(await times(0, 2), "01");
  }));

Deno.test("RunLogs cuts long texts between characters", () =>
  onLogs(async (logs) => {
    for (
      const text of [
        "\u{1f33c}".repeat(20_000),
        "x" + "\u{1f33c}".repeat(20_000),
        "é".repeat(50_000),
      ]
    ) {
      const runId = BigInt(text.length);
      await logs.append(runId, text, NOW);
      for (const chunk of await logs.after(runId, 0)) assert(chunk.text.isWellFormed());
      assertEquals(await textOf(logs, runId), text);
    }
  }));

Deno.test("RunLogs keeps 64 Mi characters of a run, and says that there was more", () =>
  onLogs(async (logs, kv) => {
    // What it wrote counts, not what is on disk: the log need not be filled for this.
    const piece = "x".repeat(32 * 1024 ** 2);
    const commits: string[] = [];
    const counting = new RunLogs({
      ...kv,
      list: kv.list.bind(kv),
      atomic: () => {
        const operation = {
          set(_key: Deno.KvKey, value: string) {
            commits.push(value);
            return operation;
          },
          commit: () => Promise.resolve({ ok: true, versionstamp: "1" }),
        };
        return operation;
      },
    } as unknown as Deno.Kv, false);
    for (let count = 0; count < 5; count++) await counting.append(RUN, piece, NOW);
    const size = commits.reduce((sum, text) => sum + text.length, 0);
    assertEquals(Math.floor(size / piece.length), 3);
    assert(commits.at(-1)?.includes("full"));
    await logs.append(RUN, "fine", NOW);
  }));

Deno.test("RunLogs.lastLine() gives the last line that says anything, without colours", () =>
  onLogs(async (logs) => {
    assertEquals(await logs.lastLine(RUN), undefined);
    await logs.append(RUN, "\n \n", NOW);
    assertEquals(await logs.lastLine(RUN), undefined);
    await logs.append(RUN, "first\n", NOW);
    await logs.append(RUN, "\x1b[91mValueError: bo", NOW);
    await logs.append(RUN, "om\x1b[0m\n\n", NOW);
    assertEquals(await logs.lastLine(RUN), "ValueError: boom");
    await logs.append(RUN, "\u{1f33c}".repeat(1_000), NOW);
    const line = await logs.lastLine(RUN);
    assert(line && line.length <= 500 && line.isWellFormed());
  }));
