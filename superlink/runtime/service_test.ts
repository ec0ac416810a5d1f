/** What the Runtime API answers to apps of Flower 1.35 and newer, and to others. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { createHash } from "node:crypto";
import type { DescMethodUnary } from "@bufbuild/protobuf";
import { Runtime } from "../../proto/gen/flwr1_41/proto/runtime_pb.ts";
import type { Node as ProtoNode } from "../../proto/gen/flwr/proto/node_pb.ts";
import { AppClient } from "../testing/app_client.ts";
import { refusal } from "../testing/fleet_client.ts";
import { assertNothingLeft } from "../testing/leftovers.ts";
import { onRuntime } from "../testing/on_runtime.ts";
import type { ClaimedTask, RuntimeClient } from "../testing/runtime_client.ts";
import { testFab } from "../testing/test_fab.ts";
import { config, instruction, replyTo } from "../testing/test_messages.ts";
import { TestNode } from "../testing/test_node.ts";
import type { TestSuperLink } from "../testing/test_superlink.ts";

const { method } = Runtime;

/** All but what SuperExecs call. */
const { acquireTask: _, pullPendingTasks: _pending, claimTask: _claim, ...forApps } = method;
const FOR_APPS: readonly DescMethodUnary[] = Object.values(forApps);

/** What a call without a good token is told. */
const REFUSED = ["UNAUTHENTICATED", "Authentication failed."];

/** An instruction of a task's run; no two are the same. */
function instruct({ clock }: TestSuperLink, { runId }: ClaimedTask, nodeId: bigint) {
  const content = config("nonce", crypto.randomUUID());
  return instruction({ runId, nodeId, nowMicros: clock.nowMicros(), content });
}

Deno.test("Each call of an app needs the token of a task that goes on", () =>
  onRuntime(async ({ app, link }) => {
    const [task, stopped, finished] = [
      await app.running(),
      await app.running(),
      await app.running(),
    ];
    await app.stop(stopped.runId);
    await app.finish(finished);
    const { token } = task;
    const wrong: Readonly<Record<string, string | undefined>> = {
      "no token": undefined,
      "an empty one": "",
      "one that nobody has": "f".repeat(256),
      "another spelling": token.toUpperCase(),
      "more than a token": `${token}0`,
      "less than a token": token.slice(0, -1),
      "two tokens": `${token}, ${token}`,
      "that of a stopped run": stopped.token,
      "that of a finished run": finished.token,
    };
    for (const one of FOR_APPS) {
      for (const [name, token] of Object.entries(wrong)) {
        const call = app.call(one, {}, token === undefined ? {} : { token });
        assertEquals(await refusal(call), REFUSED, `${one.name} with ${name}`);
      }
    }
    assertEquals((await app.call(method.sendTaskHeartbeat, {}, task)).success, true);
    link.clock.advance({ seconds: 60 });
    for (const one of FOR_APPS) {
      assertEquals(await refusal(app.call(one, {}, task)), REFUSED, `${one.name}, too late`);
    }
  }));

Deno.test("Heartbeats keep a task for 60 s each, and one that falls silent fails its run", () =>
  onRuntime(async ({ app, link }) => {
    const task = await app.starting();
    link.clock.advance({ seconds: 29 });
    await app.call(method.pullTaskInput, {}, task);
    for (let count = 0; count < 3; count++) {
      assertEquals((await app.call(method.sendTaskHeartbeat, {}, task)).success, true);
      link.clock.advance({ seconds: 59 });
    }
    assertEquals(await app.statusOf(task.runId), "running");
    link.clock.advance({ seconds: 1 });
    assertEquals(await refusal(app.call(method.sendTaskHeartbeat, {}, task)), REFUSED);
    await link.logged.untilLogged("run.failed");
    assertMatch(await app.statusOf(task.runId), /^finished:failed:No heartbeat received/);
  }));

Deno.test("A task's inputs are its run as it was, its FAB and an empty state", () =>
  onRuntime(async ({ app }) => {
    const fab = testFab();
    const runId = await app.startRun(fab);
    const task = { runId, token: await app.claim(runId) };
    const inputs = await app.call(method.pullTaskInput, {}, task);
    const hash = createHash("sha256").update(fab).digest("hex");
    assertEquals([inputs.fab?.hashStr, new Uint8Array(inputs.fab!.content)], [hash, fab]);
    assertEquals([inputs.taskId, inputs.context?.runId, inputs.context?.nodeId], [
      ...[runId, runId],
      1n,
    ]);
    assertEquals([inputs.context?.seriesId, inputs.context?.state?.items], [runId, []]);
    assertEquals([inputs.run?.status?.status, inputs.run?.federation], [
      "starting",
      "@none/default",
    ]);
    assertEquals(await app.statusOf(runId), "running");
    // An app whose answer was lost asks again.
    const again = await app.call(method.pullTaskInput, {}, task);
    assertEquals([again.taskId, again.fab?.hashStr], [runId, hash]);
  }));

Deno.test("What an app logs is its run's log, whatever run it names", () =>
  onRuntime(async ({ app }) => {
    const [task, other] = [await app.running(), await app.running()];
    await app.call(method.pushLogs, { runId: other.runId, logs: ["one ", "two\n"] }, task);
    await app.call(method.pushLogs, { logs: [] }, task);
    await app.call(method.pushLogs, { logs: ["three\n"] }, task);
    await app.finish(task);
    await app.finish(other);
    const logOf = async (runId: bigint) => {
      const texts: string[] = [];
      const log = { runId, afterTimestamp: 0 };
      for await (const { logOutput } of app.logs(log)) texts.push(logOutput);
      return texts.join("");
    };
    assertEquals(await logOf(task.runId), "one two\nthree\n");
    assertEquals(await logOf(other.runId), "");
  }));

Deno.test("Events are numbered, stamped and bound to their task, and whoever follows sees them", () =>
  onRuntime(async ({ app, link }) => {
    const task = await app.running();
    const { runId } = task;
    const events = ["a", "b", "a"].map((event, index) => ({ event, data: `{"n":${index}}` }));
    const follower = app.events({ runId });
    const first = follower.next();
    await app.call(method.pushTaskEvents, { events: [{ ...events[0], id: 9n, runId: 1n }] }, task);
    const { value } = await first;
    assertEquals([value?.taskEvent?.id, value?.taskEvent?.runId, value?.taskEvent?.taskId], [
      ...[1n, runId],
      runId,
    ]);
    assertEquals([value?.taskEvent?.event, value?.taskEvent?.data], ["a", `{"n":0}`]);
    assertMatch(value?.taskEvent?.timestamp ?? "", /^20\d\d-.*\+00:00$/);
    await app.call(method.pushTaskEvents, { events: events.slice(1) }, task);
    await app.call(method.pushTaskEvents, { events: [] }, task);

    const ids = async (which: Parameters<typeof seriesEvents>[2]) =>
      (await seriesEvents(app, task, which)).map(({ id }) => Number(id));
    assertEquals(await ids({}), [1, 2, 3]);
    assertEquals(await ids({ eventTypes: ["a"] }), [1, 3]);
    assertEquals(await ids({ afterEventId: 1n }), [2, 3]);
    assertEquals(await ids({ beforeEventId: 3n }), [1, 2]);
    assertEquals(await ids({ afterEventId: 1n, beforeEventId: 2n }), []);
    assertEquals(await ids({ lastN: 2 }), [2, 3]);
    assertEquals(await ids({ lastN: 9, eventTypes: ["a", "c"] }), [1, 3]);
    const end = 2n ** 64n - 1n;
    assertEquals(await ids({ afterEventId: end, beforeEventId: end }), []);

    for (const data of ["", "[]", "1", "null", "{", `{"text":"${"x".repeat(20_000)}"}`]) {
      await app.call(method.pushTaskEvents, { events: [{ event: "bad", data }] }, task);
    }
    assertEquals(link.logged.of("run.events").length, 6);
    await app.finish(task);
    const rest: bigint[] = [];
    for await (const { taskEvent } of follower) rest.push(taskEvent?.id ?? 0n);
    assertEquals(rest, [2n, 3n]);
    const later = app.events({ runId, afterTaskEventId: 2n });
    assertEquals((await later.next()).value?.taskEvent?.id, 3n);
    assertEquals((await later.next()).done, true);
    await assertNothingLeft(link.database);
  }));

Deno.test("What a task used of others' services is written to the log", () =>
  onRuntime(async ({ app, link }) => {
    const task = await app.running();
    const taskUsage = {
      usageType: "model_inference\nforged",
      provider: "p".repeat(500),
      inputTokens: 3n,
      outputTokens: 4n,
    };
    await app.call(method.recordTaskUsage, { taskUsage }, task);
    await app.call(method.recordTaskUsage, {}, task);
    const [usage, nothing] = link.logged.of("run.usage");
    assertEquals([usage?.runId, usage?.tokens, nothing?.tokens], [String(task.runId), "7", "0"]);
    assert(String(usage?.provider).length < 200);
  }));

Deno.test("A task ends once, as it says, where it may", () =>
  onRuntime(async ({ app }) => {
    const cases = [
      ["starting", "completed", "starting"],
      ["starting", "failed", "finished:failed:why"],
      ["running", "", "running"],
      ["running", "exploded", "running"],
      ["running", "stopped", "finished:stopped:why"],
      ["running", "failed", "finished:failed:why"],
      ["running", "completed", "finished:completed:why"],
    ] as const;
    for (const [from, subStatus, expected] of cases) {
      const task = from === "starting" ? await app.starting() : await app.running();
      const refused = expected === from;
      const ended = app.finish(task, subStatus, "why");
      if (refused) assertEquals((await refusal(ended))[0], "FAILED_PRECONDITION");
      else await ended;
      assertEquals(await app.statusOf(task.runId), expected, `${from} ${subStatus}`);
      if (!refused) assertEquals(await refusal(app.finish(task, subStatus)), REFUSED);
    }
  }));

Deno.test("A run is one run for both generations of apps: whoever has its token is its app", () =>
  onRuntime(async ({ app, link }) => {
    using older = new AppClient(link);
    const runId = await app.startRun();
    assertEquals((await older.call(older.method.listAppsToLaunch, {})).runIds, [runId]);
    const token = await older.requestToken(runId);
    assertEquals([await app.claim(runId), await app.pending()], ["", []]);
    await app.call(method.pullTaskInput, {}, { token });
    assertEquals(await older.statusOf(runId), "running");
    await app.finish({ runId, token });
    assertEquals(await older.statusOf(runId), "finished:completed");
    const second = await app.starting();
    assertEquals(await older.requestToken(second.runId), "");
  }));

Deno.test("Messages go to nodes of both planes and come back, under a token and without sessions", () =>
  onRuntime(async ({ app, link }) => {
    using overGrpc = await TestNode.join(link);
    using overHttp = await TestNode.join(link, "HTTP");
    const task = await app.running();
    const { nodes } = await app.call(method.getNodes, {}, task);
    const online = (ids: readonly ProtoNode["nodeId"][]) => ids.toSorted();
    assertEquals(
      online(nodes.map(({ nodeId }) => nodeId)),
      online([overGrpc.nodeId, overHttp.nodeId]),
    );
    const all = [overGrpc, overHttp].map((node) => ({
      node,
      sent: instruct(link, task, node.nodeId),
    }));
    const messageIds = await app.send(task, ...all.map(({ sent }) => sent));
    assertEquals(messageIds, all.map(({ sent }) => sent.messageId));
    for (const { node, sent } of all) {
      assertEquals((await node.take()).messageId, sent.messageId);
      await node.reply(replyTo(sent, link.clock.nowMicros()));
    }
    const { messagesList, messageObjectTrees } = await app.call(
      method.pullMessages,
      { messageIds },
      task,
    );
    assertEquals(messagesList.map(({ metadata }) => metadata?.replyToMessageId), messageIds);
    for (const { objectId } of messageObjectTrees) {
      const { objectAvailable } = await app.call(method.pullObject, {
        node: { nodeId: 1n },
        objectId,
      }, task);
      assert(objectAvailable);
      const messageObjectId = objectId;
      await app.call(method.confirmMessageReceived, { messageObjectId }, task);
    }
    await app.finish(task);
    await assertNothingLeft(link.database);
  }));

Deno.test("An app cannot touch another run, whatever run its requests name", () =>
  onRuntime(async ({ app, link }) => {
    using node = await TestNode.join(link);
    const [victim, other] = [await app.running(), await app.running()];
    const secret = instruct(link, victim, node.nodeId);
    const [messageId = ""] = await app.send(victim, secret);
    const { runId } = victim;

    const pushed = app.send(other, instruct(link, victim, node.nodeId));
    assertEquals((await refusal(pushed))[0], "INVALID_ARGUMENT");
    const [objectId = "", content] = [...secret.contents].at(-1) ?? [];
    const object = { node: { nodeId: 1n }, runId, objectId };
    const pulled = await app.call(method.pullObject, object, other);
    assertEquals([pulled.objectFound, pulled.objectContent.length], [false, 0]);
    const again = { ...object, objectContent: content ?? new Uint8Array() };
    assertEquals((await app.call(method.pushObject, again, other)).stored, false);
    await app.call(method.confirmMessageReceived, { runId, messageObjectId: messageId }, other);
    const { messagesList } = await app.call(
      method.pullMessages,
      { messageIds: [messageId] },
      other,
    );
    assertEquals(messagesList.map(({ metadata }) => metadata?.runId), [0n], "it is unknown");

    assertEquals((await node.take()).messageId, messageId);
    await node.reply(replyTo(secret, link.clock.nowMicros()));
    const replies = await app.call(method.pullMessages, { messageIds: [messageId] }, victim);
    assertEquals(replies.messagesList[0]?.metadata?.replyToMessageId, messageId);
  }));

Deno.test("Objects are moved for the SuperLink's own node only", () =>
  onRuntime(async ({ app }) => {
    const task = await app.running();
    const objectId = "f".repeat(64);
    for (const node of [undefined, { nodeId: 0n }, { nodeId: 5n }]) {
      const request = { ...node && { node }, objectId };
      for (const one of [method.pullObject, method.pushObject]) {
        const call = app.call<typeof one.input, typeof one.output>(one, request, task);
        assertEquals(await refusal(call), ["FAILED_PRECONDITION", "Unexpected node ID."]);
      }
    }
  }));

Deno.test("Nothing is asked of nodes and nodes are not asked before a task runs", () =>
  onRuntime(async ({ app, link }) => {
    using node = await TestNode.join(link);
    const task = await app.starting();
    const calls = [
      app.call(method.getNodes, {}, task),
      app.send(task, instruct(link, task, node.nodeId)),
      app.call(method.pullMessages, {}, task),
      app.call(method.pushObject, { node: { nodeId: 1n } }, task),
      app.call(method.pullObject, { node: { nodeId: 1n } }, task),
      app.call(method.confirmMessageReceived, {}, task),
    ];
    const refusals = await Promise.all(calls.map((call) => refusal(call)));
    assertEquals(refusals.map(([status]) => status), calls.map(() => "PERMISSION_DENIED"));
  }));

Deno.test("A task makes no other tasks and has none to write to", () =>
  onRuntime(async ({ app }) => {
    const task = await app.running();
    const request = { type: "flwr-model", modelRef: "m" };
    assertEquals(await refusal(app.call(method.createTask, request, task)), [
      "PERMISSION_DENIED",
      "Task creation is not allowed.",
    ]);
    assertEquals(await refusal(app.call(method.pushTaskMessage, {}, task)), [
      "FAILED_PRECONDITION",
      "Invalid task message.",
    ]);
    assertEquals((await app.call(method.pullTaskMessage, {}, task)).messages, []);
  }));

async function seriesEvents(
  app: RuntimeClient,
  task: ClaimedTask,
  which: {
    readonly eventTypes?: string[];
    readonly afterEventId?: bigint;
    readonly beforeEventId?: bigint;
    readonly lastN?: number;
  },
) {
  return (await app.call(method.getRunSeriesEvents, which, task)).events;
}
