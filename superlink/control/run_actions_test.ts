/** What the CLI can do with runs: start, stop, list, and follow what they write. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Control, type StartRunRequestSchema } from "../../proto/gen/flwr/proto/control_pb.ts";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { createHash } from "node:crypto";
import { AppClient } from "../testing/app_client.ts";
import { refusal } from "../testing/fleet_client.ts";
import { PYPROJECT, testFab } from "../testing/test_fab.ts";
import {
  startTestSuperLink,
  type TestSuperLink,
  type TestSuperLinkOptions,
} from "../testing/test_superlink.ts";

const { method } = Control;

async function onLink(
  play: (app: AppClient, link: TestSuperLink) => Promise<void>,
  options?: TestSuperLinkOptions,
): Promise<void> {
  await using link = await startTestSuperLink(options);
  using app = new AppClient(link);
  await play(app, link);
}

const fab = (options?: Parameters<typeof testFab>[0]) => ({ content: testFab(options) });
const pyproject = (from: string | RegExp, to: string) =>
  fab({ pyproject: PYPROJECT.replace(from, to) });
const files = (more: Record<string, string>) => fab({ files: { "app.py": "", ...more } });

const refused: readonly [string, MessageInitShape<typeof StartRunRequestSchema>, RegExp][] = [
  ["no FAB", {}, /not a zip file/],
  ["bytes that are no zip", { fab: { content: new Uint8Array(5_000) } }, /not a zip file/],
  ["a FAB that is cut off", { fab: { content: testFab().subarray(0, 300) } }, /not a zip file/],
  ["a FAB past 10 MiB", { fab: { content: new Uint8Array(10_485_761) } }, /10,485,760 bytes/],
  [
    "a path that leaves the folder",
    { fab: files({ "../evil.py": "" }) },
    /"\.\.\/evil\.py", which leaves/,
  ],
  ["an absolute path", { fab: files({ "/etc/evil": "" }) }, /which leaves/],
  ["a path for Windows that leaves", { fab: files({ "..\\evil.py": "" }) }, /which leaves/],
  [
    "an empty pyproject",
    { fab: fab({ pyproject: "" }) },
    /Missing \[project\]/,
  ],
  ["a wrong hash in its manifest", {
    fab: files({ ".info/CONTENT": `app.py,${"0".repeat(64)},0\n` }),
  }, /"app\.py" is not the one/],
  ["a manifest with a file that is not there", {
    fab: files({ ".info/CONTENT": `x.py,${"0".repeat(64)},0\n` }),
  }, /"x\.py" is not the one/],
  [
    "a manifest that is none",
    { fab: files({ ".info/CONTENT": "hello\n" }) },
    /names no file and hash/,
  ],
  ["a pyproject that is no TOML", { fab: fab({ pyproject: "= 1" }) }, /not valid TOML/],
  ["no publisher", { fab: pyproject(/publisher.*/, "") }, /"publisher" missing/],
  ["no serverapp", { fab: pyproject(/serverapp.*/, "") }, /"serverapp" missing/],
  ["a serverapp that is none", { fab: pyproject("quick.server:app", "quick") }, /module:attribute/],
  ["a config value that apps cannot have", { fab: pyproject("= 3", "= [3]") }, /num-server-rounds/],
  ["names of any length", { fab: pyproject("quick-app", "x".repeat(3_000)) }, /too long/],
  ["an override that the app does not have", {
    fab: fab(),
    overrideConfig: { lr: { scalar: { case: "double", value: 1 } } },
  }, /no config key 'lr'\. It has: num-server-rounds, model\.lr\./],
  ["a config of any size", {
    fab: fab(),
    overrideConfig: { "model.lr": { scalar: { case: "string", value: "x".repeat(60_000) } } },
  }, /too large/],
  [
    "an unknown federation",
    { fab: fab(), federation: "nowhere" },
    /^Federation 'nowhere' does not exist\.$/,
  ],
  ["an app that it should download", { appSpec: "@acme/app" }, /does not download apps/],
];

for (const [name, request, reason] of refused) {
  Deno.test(`StartRun refuses ${name}, and keeps nothing`, () =>
    onLink(async (app, link) => {
      const start = app.control(method.startRun, { federation: "default", ...request });
      const [status, text] = await refusal(start);
      assertEquals(status, "FAILED_PRECONDITION");
      assertMatch(text, reason);
      assertEquals((await app.control(method.listRuns, {})).runDict, {});
      assertEquals(await link.database.blobs.spaces(), []);
    }));
}

Deno.test("StartRun accepts each name of the one federation, and overrides that the app has", () =>
  onLink(async (app) => {
    for (const federation of ["default", "", "@none/default"]) {
      const { runId = 0n } = await app.control(method.startRun, {
        fab: fab(),
        federation,
        overrideConfig: {
          "model.lr": { scalar: { case: "double", value: 0.25 } },
          "num-server-rounds": { scalar: { case: "sint64", value: -3n } },
        },
      });
      const run = await app.run(runId);
      assertEquals(run.federation, "default");
      assertEquals(run.fabHash, createHash("sha256").update(testFab()).digest("hex"));
      assertEquals(run.overrideConfig["model.lr"]?.scalar, { case: "double", value: 0.25 });
      assertEquals(run.overrideConfig["num-server-rounds"]?.scalar, { case: "sint64", value: -3n });
    }
  }));

Deno.test("StopRun stops a run in any state but once, and says what else is wrong", () =>
  onLink(async (app) => {
    const starting = await app.startRun();
    await app.requestToken(starting);
    for (const runId of [await app.startRun(), starting, (await app.running()).runId]) {
      assertEquals((await app.control(method.stopRun, { runId })).success, true);
      assertEquals(await app.statusOf(runId), "finished:stopped");
      const again = refusal(app.control(method.stopRun, { runId }));
      assertEquals(await again, ["FAILED_PRECONDITION", `Run ID ${runId} is already finished`]);
    }
    for (const runId of [0n, 12345n]) {
      const notFound = ["NOT_FOUND", "Run ID not found"];
      assertEquals(await refusal(app.control(method.stopRun, { runId })), notFound);
      assertEquals(await refusal(app.control(method.listRuns, { runId })), notFound);
      assertEquals(await refusal(app.stream(method.streamLogs, { runId }).next()), notFound);
    }
    const url = refusal(app.control(method.pullArtifacts, { runId: starting }));
    assertEquals(await url, [
      "UNIMPLEMENTED",
      "ControlServicer initialized without artifact provider",
    ]);
  }));

Deno.test("ListRuns gives all runs, or the one that is asked for", () =>
  onLink(async (app) => {
    const runIds = [await app.startRun(), (await app.running()).runId];
    const all = (await app.control(method.listRuns, {})).runDict;
    assertEquals(Object.keys(all).sort(), runIds.map(String).sort());
    const one = (await app.control(method.listRuns, { runId: runIds[0]! })).runDict;
    assertEquals(Object.values(one).map(({ status }) => status?.status), ["pending"]);
  }));

/** Reads a stream of logs; `untilText` waits until what came ends with a text. */
class Reader {
  text = "";
  readonly times: number[] = [];
  readonly done: Promise<unknown>;
  readonly #events = new EventTarget();
  readonly gone = new AbortController();

  constructor(app: AppClient, runId: bigint, afterTimestamp = 0) {
    this.done = this.#read(app, runId, afterTimestamp);
  }

  async untilText(text: string): Promise<void> {
    while (!this.text.endsWith(text)) {
      await new Promise((resolve) =>
        this.#events.addEventListener("text", resolve, { once: true })
      );
    }
  }

  async #read(app: AppClient, runId: bigint, afterTimestamp: number): Promise<unknown> {
    const request = { runId, afterTimestamp };
    try {
      for await (const answer of app.stream(method.streamLogs, request, this.gone.signal)) {
        this.text += answer.logOutput;
        this.times.push(answer.latestTimestamp);
        this.#events.dispatchEvent(new Event("text"));
      }
      return "ended";
    } catch (error) {
      return error instanceof Error && "status" in error ? error.status : error;
    }
  }
}

const HELD = { holdMs: 60_000 };

Deno.test("StreamLogs gives what was written, then what is being written, then ends with the run", () =>
  onLink(async (app) => {
    const { runId } = await app.running();
    await app.log(runId, "one\n", "two\n");
    const reader = new Reader(app, runId);
    await reader.untilText("one\ntwo\n");
    for (const line of ["three\n", "four\n"]) {
      await app.log(runId, line);
      await reader.untilText(line);
    }
    await app.log(runId, "last\n");
    await app.finish(runId);
    assertEquals(await reader.done, "ended");
    assertEquals(reader.text, "one\ntwo\nthree\nfour\nlast\n");
    assert(reader.times.every((time, index) => index === 0 || time > reader.times[index - 1]!));
  }, HELD));

Deno.test("StreamLogs goes on after the time that it gave, with nothing twice and nothing left out", () =>
  onLink(async (app) => {
    const { runId } = await app.running();
    let text = "";
    let after = 0;
    for (let count = 0; count < 10; count++) {
      // The clock stands still: all are written in one microsecond.
      await app.log(runId, `${count};`);
      const reader = new Reader(app, runId, after);
      await reader.untilText(`${count};`);
      reader.gone.abort();
      assertEquals(await reader.done, "CANCELLED");
      text += reader.text;
      after = reader.times.at(-1)!;
    }
    assertEquals(text, "0;1;2;3;4;5;6;7;8;9;");
    await app.finish(runId);
    assertEquals(await new Reader(app, runId, after).done, "ended");
  }, HELD));

Deno.test("StreamLogs takes any number for a time", () =>
  onLink(async (app) => {
    const { runId } = await app.running();
    await app.log(runId, "text");
    await app.finish(runId);
    for (
      const [after, expected] of [
        [0, "text"],
        [-1, "text"],
        [-Infinity, "text"],
        [NaN, "text"],
        [1e300, ""],
        [Infinity, ""],
      ] as const
    ) {
      const reader = new Reader(app, runId, after);
      assertEquals(await reader.done, "ended");
      assertEquals(reader.text, expected, String(after));
    }
  }));

Deno.test("StreamLogs waits for the last words of an app that was stopped", () =>
  onLink(async (app, link) => {
    const { runId } = await app.running();
    const reader = new Reader(app, runId);
    await app.log(runId, "working\n");
    await reader.untilText("working\n");
    await app.stop(runId);
    await app.log(runId, `Run ID ${runId} stopped.\n`);
    await reader.untilText("stopped.\n");
    link.clock.advance({ seconds: 2 });
    assertEquals(await reader.done, "ended");
  }));

Deno.test("StreamLogs that is held ends with UNAVAILABLE when the SuperLink stops: the run goes on", () =>
  onLink(async (app, link) => {
    const { runId } = await app.running();
    await app.log(runId, "x");
    const reader = new Reader(app, runId);
    await reader.untilText("x");
    await link.stop();
    assertEquals(await reader.done, "UNAVAILABLE");
  }, HELD));

Deno.test("A thousand chunks come in a few answers", () =>
  onLink(async (app) => {
    const { runId } = await app.running();
    for (let count = 0; count < 1_000; count++) await app.log(runId, `${count};`);
    await app.finish(runId);
    const reader = new Reader(app, runId);
    assertEquals(await reader.done, "ended");
    assertEquals(reader.text.split(";").length, 1_001);
    assert(reader.times.length <= 10);
  }));
