/** Which messages of ServerApps are taken, and what of them is kept. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { clone } from "@bufbuild/protobuf";
import {
  type Message,
  MessageSchema,
  type Metadata,
} from "../../proto/gen/flwr/proto/message_pb.ts";
import { refusal } from "../testing/fleet_client.ts";
import { countKeys } from "../testing/leftovers.ts";
import { onRun } from "../testing/on_run.ts";
import { type Carried, carry, config } from "../testing/test_messages.ts";
import { createErrorReply } from "../../records/reply.ts";

/** The same message with something changed in its envelope. */
function altered(carried: Carried, alter: (message: Message, metadata: Metadata) => void): Carried {
  const message = clone(MessageSchema, carried.message);
  alter(message, message.metadata!);
  return { ...carried, message };
}

const malformed: readonly [string, RegExp, (message: Message, metadata: Metadata) => void][] = [
  ["no metadata", /metadata/, (message) => delete message.metadata],
  ["another run's id", /run_id/, (_, metadata) => metadata.runId++],
  ["no id", /message_id/, (_, metadata) => metadata.messageId = ""],
  ["an id that is no hash", /message_id/, (_, metadata) => metadata.messageId = "../x"],
  ["an id that is not its tree's", /tree/, (_, metadata) => metadata.messageId = "a".repeat(64)],
  ["a time before Flower had messages", /created_at/, (_, metadata) => {
    metadata.createdAt = 1_740_700_799;
    metadata.ttl = 1e9;
  }],
  ["no time", /created_at/, (_, metadata) => metadata.createdAt = 0],
  ["a time that is no number", /created_at/, (_, metadata) => metadata.createdAt = NaN],
  ["no time to live", /ttl/, (_, metadata) => metadata.ttl = 0],
  ["a negative time to live", /ttl/, (_, metadata) => metadata.ttl = -1],
  ["a time to live that is no number", /ttl/, (_, metadata) => metadata.ttl = NaN],
  ["expired", /expired/, (_, metadata) => metadata.createdAt -= 43_200],
  ["no source", /src_node_id/, (_, metadata) => metadata.srcNodeId = 0n],
  ["a node as its source", /src_node_id/, (_, metadata) => metadata.srcNodeId = metadata.dstNodeId],
  ["no destination", /dst_node_id/, (_, metadata) => metadata.dstNodeId = 0n],
  ["the SuperLink as its destination", /dst_node_id/, (_, metadata) => metadata.dstNodeId = 1n],
  ["no type", /message_type/, (_, metadata) => metadata.messageType = ""],
  ["a type that no app has", /message_type/, (_, metadata) => metadata.messageType = "fit"],
  ["two actions", /message_type/, (_, metadata) => metadata.messageType = "train.a.b"],
  [
    "a reply's reference",
    /reply_to_message_id/,
    (_, metadata) => metadata.replyToMessageId = "a".repeat(64),
  ],
  ["neither content nor error", /content/, (message) => delete message.content],
  [
    "content and error",
    /content/,
    (message) => message.error = { code: 2n, reason: "", $typeName: "flwr.proto.Error" },
  ],
];

for (const [name, reason, alter] of malformed) {
  Deno.test(`PushMessages refuses a message with ${name}, and stores nothing of the request`, () =>
    onRun({}, async ({ app, runId, nodes: [node], instruct, link }) => {
      const good = instruct(node!);
      const [status, details] = await refusal(
        app.push(runId, good, altered(instruct(node!), alter)),
      );
      assertEquals(status, "INVALID_ARGUMENT");
      assertMatch(details, reason);
      for (const kind of ["message", "object", "holder", "inbox", "part"]) {
        assertEquals(await countKeys(link.database, kind), 0, kind);
      }
    }));
}

Deno.test("PushMessages names every fault of every message at once", () =>
  onRun({}, async ({ app, runId, nodes: [node], instruct }) => {
    const first = altered(instruct(node!), (_, metadata) => metadata.ttl = 0);
    const second = altered(instruct(node!), (_, metadata) => {
      metadata.srcNodeId = 7n;
      metadata.messageType = "fit";
    });
    const [, details] = await refusal(app.push(runId, first, second));
    for (const fault of [/^Malformed PushMessages: /, /ttl/, /src_node_id/, /message_type/]) {
      assertMatch(details, fault);
    }
  }));

Deno.test("PushMessages refuses lists that are empty or of different lengths, and bad trees", () =>
  onRun({}, async ({ app, runId, nodes: [node], instruct, link }) => {
    const { message, tree } = instruct(node!);
    const [child] = tree.children;
    assert(child);
    const push = (messagesList: Message[], messageObjectTrees: typeof tree[]) =>
      refusal(app.call(app.method.pushMessages, { runId, messagesList, messageObjectTrees }));
    let deep = { ...tree, objectId: "a".repeat(64), children: [] as typeof tree[] };
    for (let depth = 0; depth < 20; depth++) {
      deep = { ...tree, objectId: `${depth}`.padStart(64, "0"), children: [deep] };
    }
    const bad: readonly [string, Message[], typeof tree[], RegExp][] = [
      ["empty", [], [], /no message/],
      ["no tree", [message], [], /differ/],
      ["a tree too many", [message], [tree, tree], /differ/],
      ["another root", [message], [child], /begin with its id/],
      [
        "an id that is none",
        [message],
        [{ ...tree, children: [{ ...child, objectId: "../x" }] }],
        /not an object id/,
      ],
      ["a child twice", [message], [{ ...tree, children: [child, child] }], /twice/],
      ["a loop", [message], [{ ...tree, children: [tree] }], /two lists/],
      ["too deep", [message], [{ ...tree, children: [deep] }], /deep/],
    ];
    for (const [name, messages, trees, reason] of bad) {
      const [status, details] = await push(messages, trees);
      assertEquals(status, "INVALID_ARGUMENT", name);
      assertMatch(details, reason, name);
    }
    assertEquals(await countKeys(link.database, "message"), 0);
    assertEquals(await countKeys(link.database, "holder"), 0);
  }));

Deno.test("PushMessages gives no id for a node that cannot have messages, and wants no objects", () =>
  onRun({ nodeCount: 5 }, async ({ app, runId, nodes, instruct, passTime }) => {
    const [online, offline, expired, unregistered, registered] = nodes;
    await offline!.leave();
    await unregistered!.client.unregister(unregistered!.nodeId);
    await passTime(61);
    await online!.client.heartbeat(online!.nodeId);
    const neverJoined = await registered!.client.call(registered!.client.method.activateNode, {
      publicKey: registered!.client.publicKeyPem,
      heartbeatInterval: 30,
    });
    assertEquals(neverJoined.nodeId, registered!.nodeId);
    const carried = [online!, offline!, expired!, unregistered!].map((node) => instruct(node));
    const unknown = instruct(online!, { nodeId: 12345n });
    const { messageIds, objectsToPush } = await app.push(runId, ...carried, unknown);
    const ids = carried.map(({ messageId }) => messageId);
    assertEquals(messageIds, [ids[0], ids[1], ids[2], "", ""]);
    assertEquals(objectsToPush.includes(ids[3]!), false);
    assertEquals(objectsToPush.includes(unknown.messageId), false);
    assertEquals(objectsToPush.includes(ids[0]!), true);
  }));

Deno.test("An instruction may be an error, and one without content has one object", () =>
  onRun({ holdMs: 5_000 }, async ({ app, runId, nodes: [node], instruct, link }) => {
    const { metadata } = instruct(node!);
    const options = { nowSeconds: link.clock.nowMicros() / 1e6 };
    const reply = createErrorReply(metadata, { code: 2n, reason: "x" }, options);
    const error = carry({ ...reply, metadata });
    assertEquals((await app.push(runId, error)).objectsToPush, [error.messageId]);
    await app.pushObject(runId, error.messageId, error.contents.get(error.messageId)!);
    assertEquals((await node!.take()).message.error?.code, 2n);
  }));

Deno.test("A push that is repeated changes nothing and asks for what is still missing", () =>
  onRun({}, async ({ app, runId, nodes: [node], instruct, link }) => {
    const carried = instruct(node!);
    const first = await app.push(runId, carried);
    const [[id, content] = ["", new Uint8Array()]] = carried.contents;
    await app.pushObject(runId, id, content);
    const again = await app.push(runId, carried, carried);
    assertEquals(again.messageIds, [carried.messageId, carried.messageId]);
    assertEquals(again.objectsToPush, first.objectsToPush.filter((other) => other !== id));
    await app.send(runId, carried);
    assertEquals((await app.push(runId, carried)).objectsToPush, []);
    await node!.take();
    assertEquals((await app.push(runId, carried)).objectsToPush, [], "not even once it is fetched");
    assertEquals(await node!.pull(), undefined);
    assertEquals(await countKeys(link.database, "message"), 1);
  }));

Deno.test("A message whose tree takes more than one value of the database arrives whole", () =>
  onRun({ holdMs: 5_000 }, async ({ app, runId, nodes: [node], instruct }) => {
    const groupId = "g".repeat(700_000);
    const carried = instruct(node!, { groupId, content: config("key", "v".repeat(200_000)) });
    await app.send(runId, carried);
    const delivered = await node!.take();
    assertEquals(delivered.message.metadata?.groupId, groupId);
    assertEquals(delivered.tree, carried.tree);
  }));

Deno.test("A node gets its instructions one by one, in the order in which they came", () =>
  onRun({}, async ({ app, runId, nodes: [node], instruct }) => {
    const carried = Array.from({ length: 12 }, () => instruct(node!));
    await app.send(runId, ...carried.slice(0, 5));
    for (const one of carried.slice(5)) await app.send(runId, one);
    for (const { messageId } of carried) {
      assertEquals((await node!.take()).message.metadata?.messageId, messageId);
    }
    assertEquals(await node!.pull(), undefined);
  }));
