/** What the ServerAppIo API answers in each state of a run, and to whom. */

import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { AppClient, SUPERLINK } from "../testing/app_client.ts";
import { refusal } from "../testing/fleet_client.ts";
import { onRun } from "../testing/on_run.ts";
import { testFab } from "../testing/test_fab.ts";
import { instruction } from "../testing/test_messages.ts";
import { startTestSuperLink, type TestSuperLink } from "../testing/test_superlink.ts";

/** Brings a new run into a state. */
const states: Readonly<
  Record<string, (app: AppClient) => Promise<{ runId: bigint; token: string; refused?: string }>>
> = {
  async pending(app) {
    return { runId: await app.startRun(), token: "none", refused: "Run is pending." };
  },
  async starting(app) {
    const runId = await app.startRun();
    return { runId, token: await app.requestToken(runId), refused: "Run is starting." };
  },
  running: (app) => app.running(),
  async "running after its outputs"(app) {
    const { runId, token } = await app.running();
    await app.call(app.method.pushAppOutputs, { token, runId, context: { runId } });
    return { runId, token };
  },
  async finished(app) {
    const run = await app.running();
    await app.finish(run.runId);
    return { ...run, refused: "Run is finished." };
  },
  async stopped(app) {
    const run = await app.running();
    await app.stop(run.runId);
    return { ...run, refused: "Run is finished. Stopped by user." };
  },
};

/** The calls that need a run which runs, with requests that would be accepted then. */
const gated: Readonly<Record<string, (app: AppClient, runId: bigint) => Promise<unknown>>> = {
  GetNodes: (app, runId) => app.call(app.method.getNodes, { runId }),
  PushMessages: (app, runId) =>
    app.push(runId, instruction({ runId, nodeId: 5n, nowMicros: Date.now() * 1000 })),
  PullMessages: (app, runId) => app.pull(runId, []),
  PushObject: (app, runId) => app.pushObject(runId, "f".repeat(64), new Uint8Array(3)),
  PullObject: (app, runId) => app.pullObject(runId, "f".repeat(64)),
  ConfirmMessageReceived: (app, runId) => app.confirm(runId, "f".repeat(64)),
};

async function onLink(play: (app: AppClient, link: TestSuperLink) => Promise<void>): Promise<void> {
  await using link = await startTestSuperLink();
  using app = new AppClient(link);
  await play(app, link);
}

for (const [state, bring] of Object.entries(states)) {
  Deno.test(`ServerAppIo gates its calls for a run that is ${state}`, () =>
    onLink(async (app) => {
      const { runId, refused } = await bring(app);
      for (const [name, call] of Object.entries(gated)) {
        if (refused === undefined) await call(app, runId);
        else assertEquals(await refusal(call(app, runId)), ["PERMISSION_DENIED", refused], name);
      }
    }));
}

Deno.test("ServerAppIo answers NOT_FOUND for a run that there is not, and tells nothing of it", () =>
  onLink(async (app) => {
    const notFound = ["NOT_FOUND", "Run ID not found"];
    for (const runId of [0n, 5n, 2n ** 64n - 1n]) {
      for (const [name, call] of Object.entries(gated)) {
        assertEquals(await refusal(call(app, runId)), notFound, name);
      }
      assertEquals(await refusal(app.log(runId, "x")), notFound);
      assertEquals(await refusal(app.finish(runId)), notFound);
      assertEquals((await app.call(app.method.getRun, { runId })).run, undefined);
      assertEquals(await app.requestToken(runId), "");
      const { runStatusDict } = await app.call(app.method.getRunStatus, { runIds: [runId] });
      assertEquals(runStatusDict, {});
    }
  }));

const stranger = "f".repeat(256);

Deno.test("ServerAppIo refuses tokens that are wrong, old or of another run", () =>
  onLink(async (app) => {
    const [one, other] = [await app.running(), await app.running()];
    const invalid = ["PERMISSION_DENIED", "Invalid token."];
    const outputs = (token: string, runId: bigint) =>
      app.call(app.method.pushAppOutputs, { token, runId, context: { runId } });
    for (const token of ["", "none", stranger, one.token.toUpperCase(), `${one.token}0`]) {
      assertEquals(await refusal(app.call(app.method.pullAppInputs, { token })), invalid);
      assertEquals(await refusal(outputs(token, one.runId)), invalid);
      assertEquals((await app.call(app.method.sendAppHeartbeat, { token })).success, false);
    }
    assertEquals(await refusal(outputs(other.token, one.runId)), invalid);
    assertEquals(await refusal(outputs(one.token, 5n)), invalid);
    await outputs(one.token, one.runId);
    assertEquals(
      (await app.call(app.method.sendAppHeartbeat, { token: one.token })).success,
      false,
    );
    await outputs(one.token, one.runId);
    assertEquals(await refusal(outputs(other.token, one.runId)), invalid);
    await app.finish(other.runId);
    const late = app.call(app.method.pullAppInputs, { token: other.token });
    assertEquals(await refusal(late), invalid);
  }));

Deno.test("ServerAppIo gives the inputs of a run once", () =>
  onLink(async (app) => {
    const fab = testFab();
    const runId = await app.startRun(fab);
    assertEquals((await app.call(app.method.listAppsToLaunch, {})).runIds, [runId]);
    const token = await app.requestToken(runId);
    assert(/^[0-9a-f]{256}$/.test(token));
    assertEquals(await app.requestToken(runId), "");
    assertEquals((await app.call(app.method.listAppsToLaunch, {})).runIds, []);
    const inputs = await app.call(app.method.pullAppInputs, { token });
    const hash = createHash("sha256").update(fab).digest("hex");
    assertEquals([inputs.fab?.hashStr, inputs.run?.fabHash], [hash, hash]);
    assertEquals(new Uint8Array(inputs.fab!.content), fab);
    assertEquals([inputs.context?.runId, inputs.context?.nodeId], [runId, 0n]);
    assertEquals(inputs.context?.state?.items, []);
    assertEquals(inputs.run?.status?.status, "running");
    assertEquals([inputs.run?.fabId, inputs.run?.fabVersion], ["acme/quick-app", "1.2.3"]);
    const again = app.call(app.method.pullAppInputs, { token });
    assertEquals(await refusal(again), ["FAILED_PRECONDITION", `Failed to start run ${runId}`]);
    assertEquals((await app.call(app.method.sendAppHeartbeat, { token })).success, true);
    const { fab: same } = await app.call(app.method.getFab, { hashStr: hash });
    assertEquals(new Uint8Array(same!.content), fab);
    for (const hashStr of ["", "f".repeat(64), "../fabs/x"]) {
      assertEquals((await refusal(app.call(app.method.getFab, { hashStr })))[0], "NOT_FOUND");
    }
  }));

Deno.test("ServerAppIo lists the runs that wait for their app, oldest first", () =>
  onLink(async (app, link) => {
    const runIds: bigint[] = [];
    for (let count = 0; count < 5; count++) {
      runIds.push(await app.startRun());
      link.clock.advance({ micros: 1 });
    }
    await app.stop(runIds[2]!);
    const waiting = runIds.filter((_, index) => index !== 2);
    assertEquals((await app.call(app.method.listAppsToLaunch, {})).runIds, waiting);
  }));

Deno.test("ServerAppIo moves objects for the SuperLink's own node only", () =>
  onRun({}, async ({ app, runId, nodes: [other] }) => {
    const objectId = "f".repeat(64);
    for (const node of [undefined, { nodeId: 0n }, { nodeId: other!.nodeId }]) {
      const request = { ...(node && { node }), runId, objectId };
      for (
        const call of [
          app.call(app.method.pullObject, request),
          app.call(app.method.pushObject, { ...request, objectContent: new Uint8Array(2) }),
        ]
      ) {
        assertEquals(await refusal(call), ["FAILED_PRECONDITION", "Unexpected node ID."]);
      }
    }
    await app.call(app.method.pullObject, { node: SUPERLINK, runId, objectId });
  }));

Deno.test("ServerAppIo lists the nodes that are online", () =>
  onRun({ nodeCount: 3 }, async ({ app, runId, nodes, link }) => {
    const online = async () =>
      (await app.call(app.method.getNodes, { runId })).nodes.map(({ nodeId }) => nodeId).sort();
    const ids = nodes.map(({ nodeId }) => nodeId);
    assertEquals(await online(), ids.toSorted());
    await nodes[0]!.leave();
    await nodes[1]!.client.unregister(ids[1]!);
    assertEquals(await online(), [ids[2]!]);
    link.clock.advance({ seconds: 60 });
    assertEquals(await online(), []);
  }));

Deno.test("UpdateRunStatus ends a run where it may, and ignores what is no transition", () =>
  onLink(async (app) => {
    const cases: readonly [string, { status: string; subStatus: string }, string][] = [
      ["pending", { status: "finished", subStatus: "completed" }, "pending"],
      ["pending", { status: "running", subStatus: "" }, "pending"],
      ["pending", { status: "finished", subStatus: "failed" }, "finished:failed:why"],
      ["starting", { status: "finished", subStatus: "completed" }, "starting"],
      ["starting", { status: "finished", subStatus: "stopped" }, "finished:stopped:why"],
      ["running", { status: "running", subStatus: "" }, "running"],
      ["running", { status: "starting", subStatus: "" }, "running"],
      ["running", { status: "finished", subStatus: "" }, "running"],
      ["running", { status: "finished", subStatus: "exploded" }, "running"],
      ["running", { status: "nonsense", subStatus: "failed" }, "running"],
      ["running", { status: "finished", subStatus: "failed" }, "finished:failed:why"],
      ["running", { status: "finished", subStatus: "completed" }, "finished:completed:why"],
    ];
    for (const [from, runStatus, expected] of cases) {
      const { runId } = await states[from]!(app);
      const request = { runId, runStatus: { ...runStatus, details: "why" } };
      await app.call(app.method.updateRunStatus, request);
      assertEquals(await app.statusOf(runId), expected, JSON.stringify([from, runStatus]));
    }
    const { runId } = await states["finished"]!(app);
    for (const subStatus of ["failed", "completed", "nonsense"]) {
      const late = refusal(app.finish(runId, subStatus, "late"));
      assertEquals(await late, ["PERMISSION_DENIED", "Run is finished."]);
    }
    assertEquals(await app.statusOf(runId), "finished:completed");
    const { runId: noStatus } = await app.running();
    await app.call(app.method.updateRunStatus, { runId: noStatus });
    assertEquals(await app.statusOf(noStatus), "running");
  }));

Deno.test("The reason of a failure may be of any length, and keeps its beginning", () =>
  onLink(async (app) => {
    for (const reason of ["x".repeat(100_000), "\u{1f33c}".repeat(50_000)]) {
      const { runId } = await app.running();
      await app.finish(runId, "failed", reason);
      const { details = "" } = (await app.run(runId)).status ?? {};
      assert(details.length > 1_000 && details.endsWith("…"));
      assert(details.startsWith(reason.slice(0, 1_000)));
    }
  }));

Deno.test("A run shows when it came into each state", () =>
  onLink(async (app, link) => {
    const times = async (runId: bigint) => {
      const { pendingAt, startingAt, runningAt, finishedAt } = await app.run(runId);
      return [pendingAt, startingAt, runningAt, finishedAt].map((time) =>
        time && time.slice(14, 19)
      );
    };
    link.clock.micros = Date.parse("2026-11-23T10:00:00Z") * 1000;
    const runId = await app.startRun();
    assertEquals(await times(runId), ["00:00", "", "", ""]);
    link.clock.advance({ seconds: 1 });
    const token = await app.requestToken(runId);
    assertEquals(await times(runId), ["00:00", "00:01", "", ""]);
    link.clock.advance({ seconds: 1 });
    await app.call(app.method.pullAppInputs, { token });
    assertEquals(await times(runId), ["00:00", "00:01", "00:02", ""]);
    link.clock.advance({ seconds: 1 });
    await app.finish(runId);
    assertEquals(await times(runId), ["00:00", "00:01", "00:02", "00:03"]);
  }));
