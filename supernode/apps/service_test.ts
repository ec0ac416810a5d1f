import { create, type DescMessage } from "@bufbuild/protobuf";
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { ContextSchema } from "../../proto/gen/flwr/proto/message_pb.ts";
import { Runtime } from "../../proto/gen/flwr1_41/proto/runtime_pb.ts";
import { pathOf } from "../../wire/http/route.ts";
import { makeInstruction, makeReply, NODE_ID, RUN_ID } from "../testing/messages.ts";
import { MAX_MESSAGE_BYTES, runtimeStage } from "../testing/runtime_stage.ts";

const { method } = Runtime;

Deno.test("The Runtime API lets a SuperExec start a ClientApp, which answers", async () => {
  const { runs, objects, send, ask, acquire } = await runtimeStage();
  const { test, ended } = send();
  const { task, token } = await acquire();
  assertMatch(token, /^[0-9a-f]{256}$/);
  const { type, runId, fabHash, status } = task!;
  const { run, fab } = runs.get(RUN_ID)!;
  assertEquals([type, runId, fabHash], ["flwr-clientapp", RUN_ID, run.fabHash]);
  assertEquals(status?.status, "pending");

  assertEquals((await ask(method.sendTaskHeartbeat, {}, token)).message?.success, true);
  const input = (await ask(method.pullTaskInput, {}, token)).message!;
  assertEquals([input.taskId, input.run, input.fab], [task!.taskId, run, fab]);
  assertEquals(input.context?.runId, RUN_ID);
  const pulled = (await ask(method.pullMessages, {}, token)).message!;
  const { messageId } = test.instruction.metadata;
  assertEquals(pulled.messagesList[0]?.metadata?.messageId, messageId);
  for (const { objectId } of test.instruction.objects) {
    const { message } = await ask(method.pullObject, { objectId }, token);
    assertEquals(message?.objectContent, test.contents.get(objectId));
  }
  await ask(method.confirmMessageReceived, { messageObjectId: messageId }, token);
  assertEquals(objects.size, 0);

  const reply = makeReply(test.instruction);
  const pushed = (await ask(method.pushMessages, {
    messagesList: [reply.message],
    messageObjectTrees: [reply.tree],
  }, token)).message!;
  assertEquals(pushed.messageIds, [reply.tree.objectId]);
  assertEquals(pushed.objectsToPush, [...reply.contents.keys()]);
  for (const objectId of pushed.objectsToPush) {
    const objectContent = reply.contents.get(objectId)!;
    const { message } = await ask(method.pushObject, { objectId, objectContent }, token);
    assertEquals(message?.stored, true);
  }
  const end = await ended;
  assertEquals(end.kind === "replied" && end.message, reply.message);
  const context = create(ContextSchema, { runId: RUN_ID, nodeId: NODE_ID, seriesId: 9n });
  const output = { context, subStatus: "completed" };
  assertEquals((await ask(method.pushTaskOutput, output, token)).status, 200);
  assertEquals(runs.get(RUN_ID)?.context, context);
  assertEquals((await ask(method.pushTaskOutput, output, token)).status, 401);
});

Deno.test("The Runtime API holds a SuperExec until a message waits", async () => {
  const { ask, acquire, send, stop } = await runtimeStage();
  const acquired = acquire();
  await new Promise((resolve) => setTimeout(resolve, 20));
  send();
  assertNotEquals((await acquired).token, "");
  const serverApps = { supportedTaskTypes: ["flwr-serverapp"] };
  assertEquals((await ask(method.acquireTask, serverApps)).message?.token, "");
  await stop();
});

Deno.test("The Runtime API lists tasks and gives each away once, as Flower 1.35 asks", async () => {
  const { ask, send, stop } = await runtimeStage();
  send(1n);
  send(2n);
  send(1n, RUN_ID + 1n);
  const { tasks } = (await ask(method.pullPendingTasks, {})).message!;
  // The second message of a run waits for the context that the first one leaves.
  assertEquals(tasks.map(({ runId }) => runId), [RUN_ID, RUN_ID + 1n]);
  const { taskId } = tasks[1]!;
  const claim = async (taskId: bigint) => (await ask(method.claimTask, { taskId })).message?.token;
  assertMatch(await claim(taskId) ?? "", /^[0-9a-f]{256}$/);
  assertEquals([await claim(taskId), await claim(5n)], ["", ""]);
  assertEquals((await ask(method.pullPendingTasks, {})).message?.tasks.length, 1);
  await stop();
});

Deno.test("The Runtime API answers for a ClientApp that says it failed", async () => {
  const { ask, send, acquire, logged } = await runtimeStage();
  const { ended } = send();
  const { token } = await acquire();
  await ask(method.pullTaskInput, {}, token);
  await ask(method.pushTaskOutput, { subStatus: "failed", details: "No numpy." }, token);
  const reason = "The ClientApp ended without a complete reply: No numpy.";
  assertEquals(await ended, { kind: "crashed", reason });
  assertEquals(logged.of("app.failed").length, 1);
});

Deno.test("The Runtime API refuses calls that are none, or not the caller's", async () => {
  const { post, ask, send, acquire, stop } = await runtimeStage();
  const { test } = send();
  const { token } = await acquire();
  await ask(method.pullTaskInput, {}, token);
  await ask(method.pullMessages, {}, token);
  const { message, tree } = makeReply(test.instruction);
  const stranger = makeReply(makeInstruction(1n, RUN_ID + 1n).instruction);
  const push = (messagesList: typeof message[], messageObjectTrees: typeof tree[]) =>
    ask(method.pushMessages, { messagesList, messageObjectTrees }, token);

  const table: [what: string, answer: ReturnType<typeof ask>, status: number, code?: number][] = [
    ["no token", ask(method.pullTaskInput, {}), 401, 1008],
    ["an unknown token", ask(method.pullMessages, {}, "0".repeat(256)), 401, 1008],
    ["two tokens", ask(method.pullMessages, {}, `${token}, ${token}`), 401, 1008],
    ["other nodes", ask(method.getNodes, {}, token), 403, 3005],
    ["a new task", ask(method.createTask, { type: "flwr-model" }, token), 403, 3007],
    ["a message to a task", ask(method.pushTaskMessage, {}, token), 412, 3009],
    ["no message", push([], []), 400, 3013],
    ["two messages", push([message, message], [tree, tree]), 400, 3013],
    ["a message without tree", push([message], []), 400, 3013],
    ["a message of another run", push([stranger.message], [stranger.tree]), 403, 3014],
    ["another message's tree", push([message], [stranger.tree]), 400],
    [
      "a context of another run",
      ask(method.pushTaskOutput, { context: { runId: 5n }, subStatus: "completed" }, token),
      400,
    ],
    [
      "too large an object",
      ask(method.pushObject, { objectContent: new Uint8Array(MAX_MESSAGE_BYTES) }, token),
      413,
    ],
  ];
  for (const [what, answer, status, code] of table) {
    const answered = await answer;
    assert(answered.message === undefined, what);
    assertEquals([answered.status, answered.code], [status, code], what);
  }

  const path = pathOf(method.pullMessages);
  const bodies: [what: string, response: Promise<Response>, status: number][] = [
    ["JSON", post(path, "{}", { "content-type": "application/json" }), 415],
    ["no protobuf", post(path, "\xff\xff", { "flwr-task-token": token }), 400],
    ["an unknown path", post("/v1/runtime/start-automation", ""), 404],
  ];
  for (const [what, response, status] of bodies) {
    const answered = await response;
    await answered.body?.cancel();
    assertEquals(answered.status, status, what);
  }
  for (const harmless of [method.pushTaskEvents, method.recordTaskUsage, method.pushLogs]) {
    assertEquals((await ask<DescMessage, DescMessage>(harmless, {}, token)).status, 200);
  }
  const unknown = (await ask(method.pushObject, { objectId: "0".repeat(64) }, token)).message;
  assertEquals(unknown?.stored, false);
  await stop();
});

Deno.test("The Runtime API keeps the objects of one run from the ClientApps of another", async () => {
  const { objects, ask, send, acquire, stop } = await runtimeStage();
  const { test } = send(1n);
  send(1n, RUN_ID + 1n);
  const [, second] = [await acquire(), await acquire()];
  assertEquals(second.task?.runId, RUN_ID + 1n);
  await ask(method.pullTaskInput, {}, second.token);
  const { messageId } = test.instruction.metadata;
  const { message } = await ask(method.pullObject, { objectId: messageId }, second.token);
  assertEquals(message?.objectFound, false);
  await ask(method.confirmMessageReceived, { messageObjectId: messageId }, second.token);
  assertEquals(objects.get(RUN_ID, messageId).state, "stored");
  await stop();
});
