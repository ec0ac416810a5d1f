/** What a ServerApp gets for each instruction that it asks about. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { inflateMessage } from "../../records/inflate.ts";
import { ErrorCode } from "../../records/error_code.ts";
import type { Database } from "../state/database.ts";
import { keys } from "../state/layout.ts";
import { onRun, type RunStage } from "../testing/on_run.ts";
import { type Carried, errorReplyTo, replyTo } from "../testing/test_messages.ts";

const SECOND = 1_000_000;

interface Exchange extends RunStage {
  readonly node: RunStage["nodes"][number];
  /** An instruction with a ttl of 100 s that the node has fetched and confirmed. */
  readonly asked: Carried;
  /** The node's reply to it, not pushed yet. */
  readonly reply: Carried;
  /** Asks, and gives the code of the only answer: a reply has none; `open` when there is no answer. */
  ask(): Promise<bigint | "reply" | "open">;
}

/** Plays with an instruction that the node works on. */
function onExchange(play: (exchange: Exchange) => Promise<void>): Promise<void> {
  return onRun({}, async (stage) => {
    const { app, link, runId, nodes: [node] } = stage;
    assert(node);
    const asked = stage.instruct(node, { ttlSeconds: 100 });
    await app.send(runId, asked);
    await node.take();
    const reply = replyTo(asked, link.clock.nowMicros());
    await play({
      ...stage,
      node,
      asked,
      reply,
      async ask() {
        const { messagesList: [message] } = await app.pull(runId, [asked.messageId]);
        if (!message) return "open";
        assertEquals(message.metadata?.replyToMessageId, asked.messageId);
        return message.error ? message.error.code : "reply";
      },
    });
  });
}

const cases: readonly [string, bigint | "reply" | "open", (x: Exchange) => Promise<unknown>][] = [
  ["nothing while the node works", "open", () => Promise.resolve()],
  [
    "nothing while the reply's objects are on their way",
    "open",
    ({ node, reply }) => node.push(reply),
  ],
  [
    "nothing while the last object of the reply is missing",
    "open",
    async ({ node, reply, runId }) => {
      await node.push(reply);
      for (const [id, content] of [...reply.contents].slice(1)) {
        assert(await node.pushObject(runId, id, content));
      }
    },
  ],
  ["the reply", "reply", ({ node, reply }) => node.reply(reply)],
  ["the reply of a node that left after it", "reply", async ({ node, reply }) => {
    await node.reply(reply);
    await node.leave();
  }],
  [
    "the reply of a node whose lease ran out after it",
    "reply",
    async ({ node, reply, passTime }) => {
      await node.reply(reply);
      await passTime(61);
    },
  ],
  [
    "the app's own error",
    2n,
    ({ node, asked, link }) => node.reply(errorReplyTo(asked, link.clock.nowMicros(), "boom")),
  ],
  ["code 3 once the instruction has expired", 3n, async ({ passTime, node }) => {
    await passTime(50);
    await node.client.heartbeat(node.nodeId);
    await passTime(50);
  }],
  [
    "code 3 once the instruction has expired, even if its node is gone",
    3n,
    ({ passTime }) => passTime(100),
  ],
  [
    "code 3 when the reply has expired with its instruction",
    3n,
    async ({ passTime, node, reply }) => {
      await node.reply(reply);
      await passTime(100);
    },
  ],
  ["code 4 when only the reply has expired", 4n, async ({ link, node, asked }) => {
    await node.reply(replyTo(asked, link.clock.nowMicros(), undefined, 10));
    link.clock.advance({ seconds: 10 });
  }],
  ["code 5 when the node left before its reply", 5n, ({ node }) => node.leave()],
  ["code 5 when the node's lease ran out", 5n, ({ passTime }) => passTime(61)],
  ["code 5 when the node left in the middle of its reply", 5n, async ({ node, reply }) => {
    await node.push(reply);
    await node.leave();
  }],
  ["code 5 when the node was unregistered, even if it had replied", 5n, async ({ node, reply }) => {
    await node.reply(reply);
    await node.client.unregister(node.nodeId);
  }],
  ["code 5 when another process joined as the node that had fetched it", 5n, async (x) => {
    await x.node.leave();
    x.link.clock.advance({ micros: 1 });
    await x.node.client.activate();
  }],
  [
    "nothing when the node is heard of again after a silence",
    "open",
    async ({ node, passTime }) => {
      await passTime(61);
      await node.client.heartbeat(node.nodeId);
    },
  ],
];

for (const [name, expected, prepare] of cases) {
  Deno.test(`A ServerApp that asks about an instruction gets ${name}`, () =>
    onExchange(async (exchange) => {
      await prepare(exchange);
      assertEquals(await exchange.ask(), expected);
    }));
}

Deno.test("A reply is given once, then the instruction is unknown", () =>
  onExchange(async ({ node, reply, ask }) => {
    await node.reply(reply);
    assertEquals([await ask(), await ask(), await ask()], ["reply", 3n, 3n]);
  }));

Deno.test("A reply's objects can be pulled until the ServerApp has confirmed it", () =>
  onExchange(async ({ node, reply, app, runId, asked }) => {
    await node.reply(reply);
    const { messagesList: [message], messageObjectTrees: [tree] } = await app.pull(runId, [
      asked.messageId,
    ]);
    assertEquals(message, reply.message);
    assertEquals(tree, reply.tree);
    for (const [id, content] of reply.contents) {
      assertEquals(new Uint8Array((await app.pullObject(runId, id)).objectContent), content);
    }
    await app.confirm(runId, reply.messageId);
    for (const id of reply.contents.keys()) {
      assertEquals((await app.pullObject(runId, id)).objectFound, false);
    }
    await app.confirm(runId, reply.messageId);
  }));

Deno.test("A reply that comes after its error was given out is dropped, and so are its objects", () =>
  onExchange(async ({ node, reply, ask, runId }) => {
    await node.push(reply);
    await node.leave();
    assertEquals(await ask(), 5n);
    for (const [id, content] of reply.contents) {
      assertEquals(await node.pushObject(runId, id, content), false);
    }
    assertEquals((await node.push(reply)).objectsToPush, []);
    assertEquals(await ask(), 3n);
  }));

Deno.test("A made-up error says what Flower's says, and its object can be pulled and confirmed", () =>
  onExchange(async ({ app, runId, node, asked, link, passTime }) => {
    await passTime(30);
    await node.leave();
    const errors = await app.pull(runId, [asked.messageId, "f".repeat(64), ""]);
    const nowSeconds = link.clock.nowMicros() / SECOND;
    const known = { runId, groupId: asked.metadata.groupId, ttl: 70, messageType: "train" };
    const unknown = { runId: 0n, groupId: "", ttl: 0, messageType: "system" };
    const expected = [
      { ...known, code: 5n, replyTo: asked.messageId, reason: /is not available/ },
      { ...unknown, code: 3n, replyTo: "f".repeat(64), reason: /is unknown/ },
      { ...unknown, code: 3n, replyTo: "", reason: /is unknown/ },
    ];
    assertEquals(errors.messagesList.length, expected.length);
    for (const [index, { code, replyTo, reason, ...metadata }] of expected.entries()) {
      const message = errors.messagesList[index]!;
      const tree = errors.messageObjectTrees[index]!;
      assertEquals(message.content, undefined);
      assertEquals(message.error?.code, code);
      assertMatch(message.error?.reason ?? "", reason);
      const messageId = message.metadata?.messageId ?? "";
      assertEquals({ ...message.metadata, ttl: Math.round(message.metadata?.ttl ?? -1) }, {
        ...message.metadata!,
        ...metadata,
        srcNodeId: 1n,
        dstNodeId: 1n,
        replyToMessageId: replyTo,
        createdAt: nowSeconds,
      });
      assertEquals(tree.objectId, messageId);
      const { objectContent } = await app.pullObject(runId, messageId);
      const inflated = inflateMessage(messageId, new Map([[messageId, objectContent]]));
      assertEquals(inflated.error?.code, code);
      await app.confirm(runId, messageId);
      assertEquals((await app.pullObject(runId, messageId)).objectFound, false);
    }
  }));

Deno.test("A ServerApp can ask about nothing, and about one instruction twice", () =>
  onExchange(async ({ app, runId, node, reply, asked }) => {
    assertEquals((await app.pull(runId, [])).messagesList, []);
    await node.reply(reply);
    const { messagesList } = await app.pull(runId, [asked.messageId, asked.messageId]);
    assertEquals(messagesList.length, 1);
  }));

Deno.test("Only what is answered is given when the hold ends", () =>
  onRun({ nodeCount: 2 }, async ({ app, runId, nodes, instruct, link }) => {
    const asked = nodes.map((node) => instruct(node));
    const ids = await app.send(runId, ...asked);
    await Promise.all(nodes.map((node) => node.take()));
    await nodes[1]!.reply(replyTo(asked[1]!, link.clock.nowMicros()));
    const { messagesList } = await app.pull(runId, ids);
    assertEquals(messagesList.map(({ metadata }) => metadata?.replyToMessageId), [ids[1]]);
  }));

Deno.test("What is made up in a turn that another SuperLink comes into is given all the same, once", async () => {
  let commits = Infinity;
  let turnOf: bigint | undefined;
  const between = (database: Database): Database => {
    const { kv } = database;
    const atomic = () => {
      const operation = kv.atomic();
      const commit = operation.commit.bind(operation);
      operation.commit = async () => {
        // Another one commits in the run's turn.
        if (--commits === 0 && turnOf !== undefined) {
          await kv.set(keys.turn(turnOf), { ended: false });
        }
        return await commit();
      };
      return operation;
    };
    return {
      ...database,
      shared: true,
      kv: new Proxy(kv, {
        get(_, name) {
          const member: unknown = Reflect.get(kv, name, kv);
          if (name === "atomic") return atomic;
          return typeof member === "function" ? member.bind(kv) : member;
        },
      }),
    };
  };
  await onRun({ between, nodeCount: 2 }, async ({ app, runId, nodes, instruct }) => {
    for (const node of nodes) await node.leave();
    for (let lost = 1; lost <= 4; lost++) {
      const ids = await app.send(runId, ...nodes.map((node) => instruct(node)));
      [commits, turnOf] = [lost, runId];
      const { messagesList } = await app.pull(runId, ids);
      assert(commits <= 0, "another one came into the turn");
      const given = messagesList.map(({ metadata, error }) => [
        ...[metadata?.replyToMessageId, error?.code],
      ]);
      assertEquals(given, ids.map((id) => [id, BigInt(ErrorCode.NODE_UNAVAILABLE)]));
      commits = Infinity;
    }
  });
});
