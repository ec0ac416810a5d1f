/** When instructions reach their nodes, and when ServerApps hear of replies. */

import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async";
import { join } from "node:path";
import type { Message } from "../../proto/gen/flwr/proto/message_pb.ts";
import { AppClient } from "../testing/app_client.ts";
import { refusal } from "../testing/fleet_client.ts";
import { assertNothingLeft } from "../testing/leftovers.ts";
import { onRun, type RunStage, runStage } from "../testing/on_run.ts";
import { type Carried, replyTo } from "../testing/test_messages.ts";
import type { TestNode } from "../testing/test_node.ts";
import { startTestSuperLink, type TestSuperLink } from "../testing/test_superlink.ts";

/** Longer than any test takes: a hold that ends before was ended. */
const LONG_MS = 60_000;

/** Whether a call is still being held after a moment; the moment is no condition of success. */
async function isHeld(call: Promise<unknown>): Promise<boolean> {
  return await Promise.race([call.then(() => false, () => false), delay(50).then(() => true)]);
}

function onHold(nodeCount: number, play: (stage: RunStage) => Promise<void>): Promise<void> {
  return onRun({ nodeCount, holdMs: LONG_MS }, play);
}

Deno.test("A held pull gets an instruction with its last object, and not before", () =>
  onHold(1, async ({ app, runId, nodes: [node], instruct }) => {
    const pull = node!.pull();
    const carried = instruct(node!);
    await app.push(runId, carried);
    for (const [id, content] of carried.contents) {
      assert(await isHeld(pull));
      await app.pushObject(runId, id, content);
    }
    assertEquals((await pull)?.messageId, carried.messageId);
  }));

Deno.test("A held pull gets an instruction whose objects are all there at once", () =>
  onHold(2, async ({ app, runId, nodes: [one, two], instruct }) => {
    const carried = instruct(one!);
    await app.push(runId, carried);
    const pull = one!.pull();
    // The other node's instruction is complete with the shared content, and its own object.
    await app.send(runId, instruct(two!));
    const own = carried.contents.get(carried.messageId)!;
    assert(await isHeld(pull));
    await app.pushObject(runId, carried.messageId, own);
    assertEquals((await pull)?.messageId, carried.messageId);
  }));

Deno.test("A held pull of replies is answered once all that it asks for are complete", () =>
  onHold(3, async ({ app, runId, nodes, instruct, link }) => {
    const carried = nodes.map((node) => instruct(node));
    const ids = await app.send(runId, ...carried);
    await Promise.all(nodes.map((node) => node.take()));
    const pull = app.pull(runId, ids);
    for (const [index, node] of nodes.entries()) {
      assert(await isHeld(pull));
      await node.reply(replyTo(carried[index]!, link.clock.nowMicros()));
    }
    const { messagesList } = await pull;
    assertEquals(messagesList.map(({ metadata }) => metadata?.replyToMessageId), ids);
  }));

const ends: readonly [string, (stage: RunStage) => Promise<unknown>, bigint | string][] = [
  ["a node that it waits for leaves", ({ nodes: [node] }) => node!.leave(), 5n],
  [
    "a node that it waits for is unregistered",
    ({ nodes: [node] }) => node!.client.unregister(node!.nodeId),
    5n,
  ],
  ["a node's lease runs out", async ({ passTime, app, runId }) => {
    await passTime(60);
    await app.call(app.method.getNodes, { runId });
  }, 5n],
  ["another process joins as the node", async ({ nodes: [node], link }) => {
    await node!.leave();
    link.clock.advance({ micros: 1 });
    await node!.client.activate();
  }, 5n],
  ["the run is stopped", ({ app, runId }) => app.stop(runId), "PERMISSION_DENIED"],
  ["the run is finished", ({ app, runId }) => app.finish(runId), "PERMISSION_DENIED"],
];

for (const [why, happen, expected] of ends) {
  Deno.test(`A held pull of replies ends when ${why}`, () =>
    onHold(1, async (stage) => {
      const { app, runId, nodes: [node], instruct } = stage;
      const ids = await app.send(runId, instruct(node!));
      await node!.take();
      const pull = app.pull(runId, ids);
      assert(await isHeld(pull));
      const answer = typeof expected === "string" ? refusal(pull) : pull;
      await happen(stage);
      const result = await answer;
      if ("messagesList" in result) {
        const codes: unknown[] = result.messagesList.map(({ error }) => error?.code);
        assertEquals(codes, [expected]);
      } else assertEquals(result[0], expected);
    }));
}

Deno.test("Held pulls end when the SuperLink stops", async () => {
  await using stage = await runStage({ holdMs: LONG_MS });
  const { app, runId, nodes: [node], instruct, link } = stage;
  const ids = await app.send(runId, instruct(node!));
  await node!.take();
  const [replies, pull] = [app.pull(runId, ids), node!.pull()];
  assert(await isHeld(replies) && await isHeld(pull));
  await link.stop();
  assertEquals((await replies).messagesList, []);
  assertEquals(await pull, undefined);
});

Deno.test("A pull of replies whose ServerApp goes away takes no reply with it", () =>
  onHold(1, async ({ app, runId, nodes: [node], instruct, link }) => {
    const carried = instruct(node!);
    const ids = await app.send(runId, carried);
    await node!.take();
    const gone = new AbortController();
    const pull = app.pull(runId, ids, gone.signal);
    assert(await isHeld(pull));
    gone.abort();
    assertEquals((await refusal(pull))[0], "CANCELLED");
    // The SuperLink hears of the cancellation before what comes after it on the same connection.
    await app.call(app.method.getNodes, { runId });
    await node!.reply(replyTo(carried, link.clock.nowMicros()));
    assertEquals((await app.pull(runId, ids)).messagesList.length, 1);
  }));

Deno.test("A pull whose node goes away takes no instruction with it", () =>
  onHold(1, async ({ app, runId, nodes: [node], instruct }) => {
    const gone = new AbortController();
    const pull = node!.pull(gone.signal);
    assert(await isHeld(pull));
    gone.abort();
    assertEquals((await refusal(pull))[0], "CANCELLED");
    await node!.client.heartbeat(node!.nodeId);
    const carried = instruct(node!);
    await app.send(runId, carried);
    assertEquals((await node!.pull())?.messageId, carried.messageId);
  }));

Deno.test("A held pull ends empty when its node goes offline, and refused when unregistered", () =>
  onHold(2, async ({ nodes: [one, two], app, runId, instruct }) => {
    const [first, second] = [one!.pull(), two!.pull()];
    assert(await isHeld(first) && await isHeld(second));
    await one!.leave();
    assertEquals(await first, undefined);
    const refused = refusal(second);
    await two!.client.unregister(two!.nodeId);
    assertEquals(await refused, ["UNAUTHENTICATED", "Invalid node ID"]);
    assertEquals(await app.send(runId, instruct(two!)), [""]);
  }));

Deno.test("An instruction that its node did not confirm is handed out again, three times at most", () =>
  onRun({}, async ({ app, runId, nodes: [node], instruct }) => {
    const [lost, next] = [instruct(node!), instruct(node!)];
    const ids = await app.send(runId, lost, next);
    for (let delivery = 1; delivery <= 3; delivery++) {
      assertEquals((await node!.pull())?.messageId, lost.messageId);
    }
    assertEquals((await node!.take())?.messageId, next.messageId);
    const { messagesList } = await app.pull(runId, ids);
    assertEquals(messagesList.map(({ error }) => error?.code), [3n]);
  }));

Deno.test("A held pull of replies hears that an instruction is given up", () =>
  onHold(1, async ({ app, runId, nodes: [node], instruct }) => {
    const ids = await app.send(runId, instruct(node!));
    const pull = app.pull(runId, ids);
    for (let delivery = 1; delivery <= 3; delivery++) await node!.pull();
    assert(await isHeld(pull));
    const empty = new AbortController();
    const last = refusal(node!.pull(empty.signal));
    assertEquals((await pull).messagesList.map(({ error }) => error?.code), [3n]);
    empty.abort();
    await last;
  }));

Deno.test("An instruction that its node confirmed or answered is not handed out again", () =>
  onRun({ nodeCount: 2 }, async ({ app, runId, nodes: [confirms, answers], instruct, link }) => {
    const [one, two] = [instruct(confirms!), instruct(answers!)];
    await app.send(runId, one, two);
    await confirms!.take();
    assertEquals(await confirms!.pull(), undefined);
    await answers!.pull();
    await answers!.push(replyTo(two, link.clock.nowMicros()));
    assertEquals(await answers!.pull(), undefined);
  }));

Deno.test("An instruction that is confirmed with the next pull is not handed out again", () =>
  onRun({}, async ({ app, runId, nodes: [node], instruct }) => {
    const [one, two] = [instruct(node!), instruct(node!)];
    await app.send(runId, one, two);
    const { messageId } = (await node!.pull())!;
    assertEquals(messageId, one.messageId);
    assertEquals((await node!.pull(undefined, [{ runId, messageId }]))?.messageId, two.messageId);
    assertEquals((await node!.pullObject(runId, messageId)).objectFound, false);
  }));

Deno.test("A ServerApp's pull confirms the replies before it", () =>
  onRun({}, async ({ app, runId, nodes: [node], instruct, link }) => {
    const one = instruct(node!);
    const ids = await app.send(runId, one);
    await node!.take();
    await node!.reply(replyTo(one, link.clock.nowMicros()));
    const request = { runId, carryBytes: 1n };
    const first = await app.call(app.method.pullMessages, { ...request, messageIds: ids });
    assertEquals(first.takesConfirmations, true);
    const replyId = first.messagesList[0]?.metadata?.messageId ?? "";
    assertEquals((await app.pullObject(runId, replyId)).objectFound, true);
    const confirmedIds = [replyId, "unknown", one.messageId];
    await app.call(app.method.pullMessages, { ...request, messageIds: [], confirmedIds });
    assertEquals((await app.pullObject(runId, replyId)).objectFound, false);
  }));

Deno.test("A pull confirms nothing that is not its node's, and nothing of a run that is over", () =>
  onRun({ nodeCount: 2 }, async ({ app, runId, nodes: [own, other], instruct }) => {
    const carried = instruct(own!);
    await app.send(runId, carried);
    const { messageId } = (await own!.pull())!;
    assertEquals(await other!.pull(undefined, [{ runId, messageId }]), undefined);
    assertEquals((await own!.pull())?.messageId, messageId);
    await app.finish(runId);
    const over = [{ runId, messageId }, { runId: 5n, messageId: "x".repeat(100_000) }];
    assertEquals(await own!.pull(undefined, over), undefined);
  }));

/** Plays on a SuperLink that keeps its state in a file, and then on another start of it. */
async function acrossRestart(
  before: (stage: RunStage) => Promise<void>,
  after: (link: TestSuperLink, nodes: readonly TestNode[], app: AppClient) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const database = join(folder, "state.kv");
    await using stack = new AsyncDisposableStack();
    const stage = stack.use(await runStage({ database, nodeCount: 2 }));
    await before(stage);
    await stage.link.stop();
    const { clock } = stage.link;
    clock.advance({ seconds: 3 });
    const link = stack.use(await startTestSuperLink({ database, clock }));
    const nodes = await Promise.all(stage.nodes.map((node) => node.again(link)));
    for (const node of nodes) stack.use(node);
    const app = stack.use(new AppClient(link));
    await after(link, nodes, app);
    await app.finish(stage.runId);
    await assertNothingLeft(link.database);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("After a restart an instruction is handed out again, unless it was confirmed", async () => {
  let lostId = "";
  await acrossRestart(async ({ nodes: [lost, has], app, runId, instruct }) => {
    const carried = instruct(lost!);
    lostId = carried.messageId;
    await app.send(runId, carried, instruct(has!));
    assertEquals((await lost!.pull())?.messageId, lostId);
    await has!.take();
  }, async (_link, [lost, has]) => {
    assertEquals((await lost!.take())?.messageId, lostId);
    assertEquals(await has!.pull(), undefined);
  });
});

Deno.test("After a restart a message is completed by the objects that were missing", async () => {
  let carried: Carried | undefined;
  await acrossRestart(async ({ nodes: [node], app, runId, instruct }) => {
    carried = instruct(node!);
    await app.push(runId, carried);
    const [[id, content] = ["", new Uint8Array()]] = carried.contents;
    await app.pushObject(runId, id, content);
  }, async (_link, [node], app) => {
    const { metadata: { runId }, messageId, contents } = carried!;
    assertEquals(await node!.pull(), undefined);
    for (const [id, content] of [...contents].slice(1)) await app.pushObject(runId, id, content);
    assertEquals((await node!.take())?.messageId, messageId);
  });
});

Deno.test("After a restart a reply is given again, unless it was confirmed", async () => {
  let carried: Carried[] = [];
  const answers = ({ messagesList }: { messagesList: Message[] }) =>
    messagesList.map(({ error }) => error?.code ?? "reply");
  await acrossRestart(async ({ nodes, app, runId, instruct, link }) => {
    carried = nodes.map((node) => instruct(node));
    const ids = await app.send(runId, ...carried);
    for (const [index, node] of nodes.entries()) {
      await node.take();
      await node.reply(replyTo(carried[index]!, link.clock.nowMicros()));
    }
    const replies = await app.pull(runId, ids);
    assertEquals(answers(replies), ["reply", "reply"]);
    await app.confirm(runId, replies.messagesList[1]!.metadata!.messageId);
  }, async (_link, _nodes, app) => {
    const { runId } = carried[0]!.metadata;
    const ids = carried.map(({ messageId }) => messageId);
    assertEquals(answers(await app.pull(runId, ids)), ["reply", 3n]);
    assertEquals(answers(await app.pull(runId, ids)), [3n, 3n]);
  });
});
