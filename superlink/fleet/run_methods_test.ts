/** The half of the Fleet API that belongs to runs, as SuperNodes see it. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { clone } from "@bufbuild/protobuf";
import {
  type Message,
  MessageSchema,
  type Metadata,
} from "../../proto/gen/flwr/proto/message_pb.ts";
import { FleetClient, refusal } from "../testing/fleet_client.ts";
import { onRun, type RunStage } from "../testing/on_run.ts";
import { testFab } from "../testing/test_fab.ts";
import { arrays, type Carried, config, replyTo } from "../testing/test_messages.ts";
import type { TestNode } from "../testing/test_node.ts";

/** The calls that need a run which runs. */
const gated: Readonly<Record<string, (node: TestNode, runId: bigint) => Promise<unknown>>> = {
  GetRun: ({ client, node }, runId) => client.call(client.method.getRun, { node, runId }),
  GetFab: ({ client, node }, runId) =>
    client.call(client.method.getFab, { node, runId, hashStr: "f".repeat(64) }),
  PullObject: (node, runId) => node.pullObject(runId, "f".repeat(64)),
  PushObject: (node, runId) => node.pushObject(runId, "f".repeat(64), new Uint8Array(3)),
  ConfirmMessageReceived: (node, runId) => node.confirm(runId, "f".repeat(64)),
  PushMessages: ({ client, node }, runId) =>
    client.call(client.method.pushMessages, {
      node,
      messagesList: [{ metadata: { runId, messageId: "f".repeat(64) }, content: {} }],
    }),
};

Deno.test("The Fleet API's run calls are denied unless the run runs, in Flower's words", () =>
  onRun({}, async ({ app, nodes: [node] }) => {
    const runs: Record<string, bigint> = {
      "Run is pending.": await app.startRun(),
      "Run is starting.": await app.startRun(),
      "Run is finished.": (await app.running()).runId,
      "Run is finished. Stopped by user.": (await app.running()).runId,
      "Run ID not found: 12345": 12345n,
    };
    await app.requestToken(runs["Run is starting."]!);
    await app.finish(runs["Run is finished."]!);
    await app.stop(runs["Run is finished. Stopped by user."]!);
    for (const [text, runId] of Object.entries(runs)) {
      for (const [name, call] of Object.entries(gated)) {
        assertEquals(await refusal(call(node!, runId)), ["PERMISSION_DENIED", text], name);
      }
    }
    await app.stop(runs["Run is pending."]!);
    await app.stop(runs["Run is starting."]!);
  }));

Deno.test("The Fleet API's run calls are refused for a node that is not the caller's", () =>
  onRun({ nodeCount: 2 }, async ({ nodes: [one, other], runId }) => {
    const stranger = { client: one!.client, node: other!.node };
    for (
      const node of [stranger, { ...stranger, node: { nodeId: 0n } }, {
        ...stranger,
        node: undefined,
      }]
    ) {
      const posing = Object.setPrototypeOf({ ...node }, Object.getPrototypeOf(one!)) as TestNode;
      for (const [name, call] of Object.entries(gated)) {
        assertEquals(
          await refusal(call(posing, runId)),
          ["UNAUTHENTICATED", "Invalid node ID"],
          name,
        );
      }
    }
  }));

Deno.test("A SuperNode gets its run and the FAB of it, and no other", () =>
  onRun({}, async ({ nodes: [node], app, runId }) => {
    const { client } = node!;
    const { run } = await client.call(client.method.getRun, { node: node!.node, runId });
    assert(run);
    assertEquals([run.runId, run.fabId, run.fabVersion], [runId, "acme/quick-app", "1.2.3"]);
    assertEquals(run.status?.status, "running");
    const fab = (hashStr: string) =>
      client.call(client.method.getFab, { node: node!.node, runId, hashStr });
    const found = await fab(run.fabHash);
    assertEquals(found.fab?.hashStr, run.fabHash);
    assertEquals(new Uint8Array(found.fab!.content), testFab());
    const other = await app.running(testFab({ files: { "other.py": "" } }));
    const { fabHash } = await app.run(other.runId);
    for (const hash of [fabHash, "", "f".repeat(64), "../fabs/x"]) {
      const [status, text] = await refusal(fab(hash));
      assertEquals([status, text], ["PERMISSION_DENIED", `Found no FAB with hash: ${hash}`]);
    }
    await app.stop(other.runId);
  }));

interface Exchange extends RunStage {
  readonly node: TestNode;
  readonly asked: Carried;
}

/** Plays with an instruction, ttl 100 s, that a node works on; there is a second node. */
function onExchange(play: (exchange: Exchange) => Promise<void>): Promise<void> {
  return onRun({ nodeCount: 2 }, async (stage) => {
    const [node] = stage.nodes;
    const asked = stage.instruct(node!, { ttlSeconds: 100 });
    await stage.app.send(stage.runId, asked);
    await node!.take();
    await play({ ...stage, node: node!, asked });
  });
}

const dropped: readonly [string, (message: Message, metadata: Metadata, x: Exchange) => void][] = [
  ["without an id", (_, metadata) => metadata.messageId = ""],
  ["from before Flower had messages", (_, metadata) => metadata.createdAt = 1_740_700_799],
  ["without a time to live", (_, metadata) => metadata.ttl = 0],
  ["that has expired", (_, metadata) => metadata.createdAt -= 101],
  ["that outlives its instruction", (_, metadata) => metadata.ttl += 0.2],
  ["that lives for ever", (_, metadata) => metadata.ttl = Infinity],
  ["of no node", (_, metadata) => metadata.srcNodeId = 0n],
  ["of the SuperLink", (_, metadata) => metadata.srcNodeId = 1n],
  ["of another node", (_, metadata, { nodes }) => metadata.srcNodeId = nodes[1]!.nodeId],
  ["to nobody", (_, metadata) => metadata.dstNodeId = 0n],
  ["to a node", (_, metadata, { nodes }) => metadata.dstNodeId = nodes[1]!.nodeId],
  ["without a type", (_, metadata) => metadata.messageType = ""],
  ["of a type that no app has", (_, metadata) => metadata.messageType = "fit"],
  ["without content or error", (message) => delete message.content],
  [
    "with content and error",
    (message) => message.error = { $typeName: "flwr.proto.Error", code: 2n, reason: "" },
  ],
  ["to nothing", (_, metadata) => metadata.replyToMessageId = ""],
  ["to an unknown instruction", (_, metadata) => metadata.replyToMessageId = "a".repeat(64)],
  ["to itself", (_, metadata) => metadata.replyToMessageId = metadata.messageId],
];

for (const [name, alter] of dropped) {
  Deno.test(`A reply ${name} is dropped without an error`, () =>
    onExchange(async (exchange) => {
      const { node, asked, link, app, runId } = exchange;
      const reply = replyTo(asked, link.clock.nowMicros());
      const message = clone(MessageSchema, reply.message);
      alter(message, message.metadata!, exchange);
      const tree = { ...reply.tree, objectId: message.metadata!.messageId };
      const answer = await node.push({ ...reply, message, tree });
      assertEquals(answer.objectsToPush, []);
      assertEquals(answer.reconnect?.reconnect, 5n);
      assertEquals(Object.values(answer.results), [0]);
      assertEquals((await app.pull(runId, [asked.messageId])).messagesList, []);
      // The node may still answer as it should.
      await node.reply(reply);
      assertEquals((await app.pull(runId, [asked.messageId])).messagesList.length, 1);
    }));
}

Deno.test("A reply by a node that the instruction was not for is dropped", () =>
  onExchange(async ({ nodes: [, other], asked, link }) => {
    const metadata = { ...asked.metadata, dstNodeId: other!.nodeId };
    const reply = replyTo({ ...asked, metadata }, link.clock.nowMicros());
    assertEquals((await other!.push(reply)).objectsToPush, []);
  }));

Deno.test("A reply to an instruction that has expired is dropped", () =>
  onExchange(async ({ node, asked, link, passTime }) => {
    await passTime(50);
    const reply = replyTo(asked, link.clock.nowMicros());
    await passTime(50);
    assertEquals((await node.push(reply)).objectsToPush, []);
  }));

Deno.test("A reply may outlive its instruction by the rounding of clocks", () =>
  onExchange(async ({ node, asked, link }) => {
    const reply = replyTo(asked, link.clock.nowMicros(), undefined, 100.05);
    assertEquals((await node.push(reply)).objectsToPush.length, reply.contents.size);
  }));

Deno.test("A reply that is pushed again is asked for what is missing, and no second one is taken", () =>
  onExchange(async ({ node, asked, link, app, runId }) => {
    const first = replyTo(asked, link.clock.nowMicros(), config("answer", "first"));
    const second = replyTo(asked, link.clock.nowMicros(), config("answer", "second"));
    const all = (await node.push(first)).objectsToPush;
    const [[id, content] = ["", new Uint8Array()]] = first.contents;
    await node.pushObject(runId, id, content);
    assertEquals((await node.push(first)).objectsToPush, all.filter((other) => other !== id));
    assertEquals((await node.push(second)).objectsToPush, []);
    await node.reply(first);
    assertEquals((await node.push(first)).objectsToPush, []);
    assertEquals((await node.push(second)).objectsToPush, []);
    const { messagesList } = await app.pull(runId, [asked.messageId]);
    assertEquals(messagesList.map(({ metadata }) => metadata?.messageId), [first.messageId]);
  }));

Deno.test("Only the first message of a push counts, and an empty push is refused", () =>
  onExchange(async ({ node, asked, link }) => {
    const [one, two] = ["one", "two"].map((answer) =>
      replyTo(asked, link.clock.nowMicros(), config("answer", answer))
    );
    const { client } = node;
    const push = (...carried: Carried[]) =>
      client.call(client.method.pushMessages, {
        node: node.node,
        messagesList: carried.map(({ message }) => message),
        messageObjectTrees: carried.map(({ tree }) => tree),
      });
    assertEquals(
      (await push(one!, two!)).objectsToPush.toSorted(),
      [...one!.contents.keys()].sort(),
    );
    assertEquals((await refusal(push()))[0], "INVALID_ARGUMENT");
    const [status, text] = await refusal(node.push({ ...one!, tree: one!.tree.children[0]! }));
    assertEquals(status, "INVALID_ARGUMENT");
    assertMatch(text, /begin with its id/);
  }));

Deno.test("A node confirms its own instructions only, and once they were handed out", () =>
  onRun({ nodeCount: 2 }, async ({ app, runId, nodes: [one, two], instruct }) => {
    const carried = instruct(one!);
    await app.send(runId, carried);
    await one!.confirm(runId, carried.messageId);
    const delivered = await one!.pull();
    assertEquals(delivered?.messageId, carried.messageId);
    await two!.confirm(runId, carried.messageId);
    await one!.confirm(runId, "f".repeat(64));
    await one!.confirm(runId, "x".repeat(5_000));
    assertEquals((await one!.fetch(delivered!)).size, carried.contents.size);
    await one!.confirm(runId, carried.messageId);
    assertEquals((await one!.pullObject(runId, carried.messageId)).objectFound, false);
    await one!.confirm(runId, carried.messageId);
  }));

Deno.test("A run shows the bytes of its messages and objects, and the time of its ClientApps", () =>
  onRun({}, async ({ app, runId, nodes: [node], instruct, link }) => {
    const content = arrays(new Uint8Array(50_000));
    const asked = instruct(node!, { content });
    const costs = async () => {
      const { bytesSent, bytesRecv, clientappRuntime } = await app.run(runId);
      return { sent: Number(bytesSent), received: Number(bytesRecv), seconds: clientappRuntime };
    };
    assertEquals(await costs(), { sent: 0, received: 0, seconds: 0 });
    await app.send(runId, asked);
    await node!.take();
    const { sent } = await costs();
    assert(sent > 50_000 && sent < 60_000, String(sent));
    const reply = replyTo(asked, link.clock.nowMicros(), content);
    for (const seconds of [1.5, -7, NaN, Infinity]) await node!.push(reply, seconds);
    await node!.reply(reply);
    const after = await costs();
    assert(after.received > 50_000 && after.received < 60_000, String(after.received));
    assertEquals(after.seconds, 1.5);
    await app.finish(runId);
    assertEquals(await costs(), after);
  }));

Deno.test("A stranger gets nothing of a run", () =>
  onRun({}, async ({ link, runId, nodes: [node] }) => {
    using stranger = await FleetClient.create(link);
    const { method } = stranger;
    const request = { node: node!.node, runId };
    assertEquals(
      (await refusal(stranger.call(method.getRun, request)))[0],
      "UNAUTHENTICATED",
    );
  }));
