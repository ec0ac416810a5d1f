/** How runs end when nobody says so, and what a restart of the SuperLink does to them. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { LocalBells } from "../bells.ts";
import { AppClient } from "../testing/app_client.ts";
import { refusal } from "../testing/fleet_client.ts";
import { assertNothingLeft } from "../testing/leftovers.ts";
import { TestClock } from "../testing/test_clock.ts";
import { instruction } from "../testing/test_messages.ts";
import { TestNode } from "../testing/test_node.ts";
import { startTestSuperLink, type TestSuperLink } from "../testing/test_superlink.ts";
import { keys, type RunRow } from "../state/layout.ts";
import { Runs } from "./runs.ts";

const SECOND = 1_000_000;
const NOW = 1_760_000_000 * SECOND;

/** Runs on a database, without a SuperLink around them. */
interface Stage {
  readonly kv: Deno.Kv;
  readonly runs: Runs;
  /** Ids of the runs whose end was told. */
  readonly ended: bigint[];
  create(): Promise<bigint>;
  reopen(nowMicros: number): Promise<Runs>;
}

async function onStage(play: (stage: Stage) => Promise<void>): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  const ended: bigint[] = [];
  const runsOn = () =>
    new Runs({
      kv,
      bells: new LocalBells(),
      shared: false,
      onFinished({ runId }) {
        ended.push(runId);
        return Promise.resolve();
      },
    });
  const runs = runsOn();
  try {
    await play({
      kv,
      runs,
      ended,
      async create() {
        const { runId } = await runs.create({
          accountId: "a",
          federation: "default",
          fabId: "a/b",
          fabVersion: "1",
          fabHash: "f".repeat(64),
          runtime: "python",
          overrides: new Uint8Array(),
        }, NOW);
        return runId;
      },
      async reopen(nowMicros) {
        const again = runsOn();
        await again.recover(nowMicros);
        return again;
      },
    });
  } finally {
    kv.close();
  }
}

async function running({ runs, create }: Stage): Promise<{ runId: bigint; token: string }> {
  const runId = await create();
  const token = await runs.requestToken(runId, NOW);
  assert(token !== undefined);
  assert(await runs.startRunning(runId, NOW));
  return { runId, token };
}

const summary = (row: RunRow | undefined) =>
  row && [row.status, row.end, row.details, (row.finishedAt ?? NOW) - NOW];

const SILENT = "No heartbeat received from the run.";

Deno.test("A token holds for 30 s, and for 60 s from each heartbeat on", () =>
  onStage(async (stage) => {
    const { runs } = stage;
    const { runId, token } = await running(stage);
    const at = (seconds: number) => NOW + seconds * SECOND;
    assertEquals((await runs.ofToken(token, at(30) - 1))?.runId, runId);
    assertEquals(await runs.ofToken(token, at(30)), undefined);
    assertEquals(await runs.heartbeat(token, at(30)), false);
    assertEquals(await runs.heartbeat(token, at(29)), true);
    assertEquals((await runs.ofToken(token, at(89) - 1))?.runId, runId);
    assertEquals(await runs.heartbeat(token, at(88)), true);
    assertEquals(await runs.expireDue(at(148) - 1), []);
    assertEquals((await runs.expireDue(at(148))).map(summary), [[
      "finished",
      "failed",
      SILENT,
      148 * SECOND,
    ]]);
    assertEquals(await runs.heartbeat(token, at(148)), false);
    assertEquals(await runs.ofToken(token, at(100)), undefined);
  }));

Deno.test("A run whose app is silent fails as of the moment when its lease ended", () =>
  onStage(async (stage) => {
    const { runs, ended, kv } = stage;
    const started = await stage.create();
    await runs.requestToken(started, NOW);
    const { runId } = await running(stage);
    await runs.appendLog(runId, "first\n\nsecond\n", NOW);
    const pending = await stage.create();
    await runs.expireDue(NOW + 1000 * SECOND);
    assertEquals(summary(await runs.get(started)), ["finished", "failed", SILENT, 30 * SECOND]);
    assertEquals(summary(await runs.get(runId)), [
      "finished",
      "failed",
      `${SILENT} Last log line: second`,
      30 * SECOND,
    ]);
    assertEquals(summary(await runs.get(pending)), ["pending", undefined, "", 0]);
    assertEquals(ended.toSorted(), [started, runId].toSorted());
    for await (const { key } of kv.list({ prefix: ["token"] })) throw new Error(`left: ${key}`);
  }));

Deno.test("A run that failed keeps its reason, however long ago its lease ended (D4)", () =>
  onStage(async (stage) => {
    const { runs } = stage;
    const { runId, token } = await running(stage);
    await runs.finish(runId, NOW + SECOND, "failed", "boom");
    assertEquals(await runs.expireDue(NOW + 1000 * SECOND), []);
    assertEquals(await runs.finish(runId, NOW + 2 * SECOND, "stopped", "late"), undefined);
    assertEquals(summary(await runs.get(runId)), ["finished", "failed", "boom", SECOND]);
    assertEquals(await runs.ofToken(token, NOW), undefined);
    assertEquals(await runs.heartbeat(token, NOW), false);
  }));

Deno.test("A run whose app handed in its outputs and never reported fails after 60 s (D10)", () =>
  onStage(async (stage) => {
    const { runs } = stage;
    const { runId, token } = await running(stage);
    await runs.outputsPushed(runId, NOW + SECOND);
    assertEquals(await runs.heartbeat(token, NOW + SECOND), false);
    assertEquals(await runs.expireDue(NOW + 61 * SECOND - 1), []);
    await runs.expireDue(NOW + 61 * SECOND);
    const [status, end, details, at] = summary(await runs.get(runId))!;
    assertEquals([status, end, at], ["finished", "failed", 61 * SECOND]);
    assertMatch(String(details), /handed in its outputs/);
  }));

Deno.test("Leases do not run while the SuperLink is down, and each app has 60 s after its start", () =>
  onStage(async (stage) => {
    const [silent, reports] = [await running(stage), await running(stage)];
    await stage.runs.outputsPushed(reports.runId, NOW);
    const pending = await stage.create();
    const later = NOW + 86_400 * SECOND;
    const again = await stage.reopen(later);
    assertEquals((await again.ofToken(silent.token, later))?.runId, silent.runId);
    assertEquals(await again.ofToken(reports.token, later), undefined);
    assertEquals(await again.expireDue(later + 60 * SECOND - 1), []);
    assertEquals(await again.heartbeat(silent.token, later + 59 * SECOND), true);
    const [expired] = await again.expireDue(later + 60 * SECOND);
    assertEquals(expired?.runId, reports.runId);
    await again.finish(silent.runId, later, "completed", "");
    assert(await again.requestToken(pending, later));
  }));

Deno.test("A run has one token at a time, and only the launcher that died gives a second", () =>
  onStage(async ({ runs, create, reopen, kv }) => {
    const [external, launched] = [await create(), await create()];
    assert(await runs.requestToken(external, NOW));
    assertEquals(await runs.requestToken(external, NOW), undefined);
    assertEquals(await runs.requestToken(external, NOW, true), undefined);
    const first = await runs.requestToken(launched, NOW, true);
    const again = await reopen(NOW);
    const second = await again.requestToken(launched, NOW, true);
    assert(first && second && first !== second);
    assertEquals(await again.ofToken(first, NOW), undefined);
    assertEquals((await again.ofToken(second, NOW))?.runId, launched);
    assertEquals(await again.requestToken(5n, NOW), undefined);
    let tokens = 0;
    for await (const _ of kv.list({ prefix: ["token"] })) tokens++;
    assertEquals(tokens, 2);
  }));

Deno.test("A run's end is told again after a start that finds it untold", () =>
  onStage(async (stage) => {
    const { runId } = await running(stage);
    await stage.runs.finish(runId, NOW, "completed", "");
    assertEquals(stage.ended, [runId]);
    await stage.reopen(NOW);
    assertEquals(stage.ended, [runId]);
    await stage.kv.set(keys.endingRun(runId), null);
    await stage.reopen(NOW);
    assertEquals(stage.ended, [runId, runId]);
    assertEquals((await stage.kv.get(keys.endingRun(runId))).versionstamp, null);
  }));

Deno.test("What a run costs is on disk with its end, and what comes later is not", () =>
  onStage(async (stage) => {
    const { runs } = stage;
    const { runId } = await running(stage);
    const costs = (row: RunRow | undefined) =>
      row && [row.bytesSent, row.bytesReceived, row.clientAppRuntimeS];
    runs.addCosts(runId, { bytesSent: 5 });
    runs.addCosts(runId, { bytesReceived: 3, clientAppRuntimeS: 0.5 });
    assertEquals(costs(await runs.get(runId)), [5, 3, 0.5]);
    await runs.writeCosts();
    assertEquals(costs((await stage.kv.get<RunRow>(keys.run(runId))).value!), [5, 3, 0.5]);
    runs.addCosts(runId, { bytesSent: 1 });
    await runs.finish(runId, NOW, "completed", "");
    assertEquals(costs((await stage.kv.get<RunRow>(keys.run(runId))).value!), [6, 3, 0.5]);
    runs.addCosts(runId, { bytesSent: 100 });
    await runs.writeCosts();
    assertEquals(costs(await (await stage.reopen(NOW)).get(runId)), [6, 3, 0.5]);
  }));

/** Plays on a SuperLink whose state is in a file, and then on another start of it. */
async function acrossRestart(
  before: (link: TestSuperLink, app: AppClient) => Promise<void>,
  after: (link: TestSuperLink, app: AppClient) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const database = join(folder, "state.kv");
    const clock = new TestClock();
    for (const play of [before, after]) {
      await using link = await startTestSuperLink({ database, clock });
      using app = new AppClient(link);
      await play(link, app);
      clock.advance({ seconds: 3 });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("An app that still runs goes on after a restart of the SuperLink", async () => {
  let [runId, token] = [0n, ""];
  await acrossRestart(async (_link, app) => {
    ({ runId, token } = await app.running());
    await app.log(runId, "before\n");
  }, async (link, app) => {
    assertEquals(await app.statusOf(runId), "running");
    assertEquals((await app.call(app.method.sendAppHeartbeat, { token })).success, true);
    using node = await TestNode.join(link);
    const asked = instruction({ runId, nodeId: node.nodeId, nowMicros: link.clock.nowMicros() });
    await app.send(runId, asked);
    await node.take();
    await app.log(runId, "after\n");
    await app.call(app.method.pushAppOutputs, { token, runId, context: { runId } });
    await app.finish(runId);
    assertEquals(await app.statusOf(runId), "finished:completed");
    await assertNothingLeft(link.database);
  });
});

Deno.test("An app that handed in its outputs before a restart may report after it", async () => {
  let [runId, token] = [0n, ""];
  await acrossRestart(async (_link, app) => {
    ({ runId, token } = await app.running());
    await app.call(app.method.pushAppOutputs, { token, runId, context: { runId } });
  }, async (_link, app) => {
    // The answer to the first push was lost.
    await app.call(app.method.pushAppOutputs, { token, runId, context: { runId } });
    await app.finish(runId);
    assertEquals(await app.statusOf(runId), "finished:completed");
    const late = app.call(app.method.pushAppOutputs, { token, runId, context: { runId } });
    assertEquals((await refusal(late))[0], "PERMISSION_DENIED");
  });
});

Deno.test("What a killed SuperLink had written for a run that has ended goes at the next start", async () => {
  let ended = 0n;
  await acrossRestart(async (link, app) => {
    ({ runId: ended } = await app.running());
    const open = await app.running();
    await app.finish(ended);
    const { blobs } = link.database;
    await blobs.put(String(ended), "x", new Uint8Array(1));
    await blobs.put(String(open.runId), "x", new Uint8Array(1));
    await blobs.put("4711", "x", new Uint8Array(1));
    assertEquals((await blobs.spaces()).length, 4);
  }, async (link) => {
    const spaces = await link.database.blobs.spaces();
    assertEquals(spaces.length, 2);
    assert(spaces.includes("fabs") && !spaces.includes(String(ended)));
  });
});
