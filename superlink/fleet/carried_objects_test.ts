/** Objects that travel in the calls of their messages, between peers that ask for it. */

import { assertEquals } from "@std/assert";
import { ServerAppIo } from "../../proto/gen/flwr/proto/serverappio_pb.ts";
import { FlowerArray } from "../../records/array.ts";
import { ArrayRecord } from "../../records/array_record.ts";
import { ndArray } from "../../records/ndarray.ts";
import { objectIdOf } from "../../records/object_id.ts";
import { RecordDict } from "../../records/record_dict.ts";
import { onRun, type RunStage } from "../testing/on_run.ts";
import { type Carried, replyTo } from "../testing/test_messages.ts";
import { TestNode } from "../testing/test_node.ts";

const TAKEN = 1n << 20n;
const { method } = ServerAppIo;

const listOf = ({ contents }: Carried) =>
  Array.from(contents, ([objectId, content]) => ({ objectId, content }));
const idsOf = (objects: readonly { readonly objectId: string; readonly content: Uint8Array }[]) => {
  for (const { objectId, content } of objects) assertEquals(objectIdOf(content), objectId);
  return objects.map(({ objectId }) => objectId);
};

/** Pushes an instruction with all of its objects in one call; gives what is left to push. */
async function push({ app, runId }: RunStage, sent: Carried): Promise<readonly string[]> {
  const { objectsToPush } = await app.call(method.pushMessages, {
    runId,
    messagesList: [sent.message],
    messageObjectTrees: [sent.tree],
    carriedObjects: listOf(sent),
  });
  return objectsToPush;
}

/** An array of so many bytes, which are all the same. */
function arrays(sizeBytes: number): RecordDict {
  const array = FlowerArray.fromNdArray(ndArray(new Uint8Array(sizeBytes).fill(7)));
  return new RecordDict({ arrays: new ArrayRecord({ array }) });
}

for (const plane of ["gRPC", "HTTP"] as const) {
  Deno.test(`Small objects travel with their messages where a node asks for it, over ${plane}`, () =>
    onRun({ nodeCount: 0 }, async (stage) => {
      const { app, runId, link, instruct } = stage;
      using own = await TestNode.join(link, plane);
      const { client, node } = own;
      const sent = instruct(own);
      assertEquals(await push(stage, sent), []);
      const pulled = await client.call(client.method.pullMessages, { node, carryBytes: TAKEN });
      assertEquals(idsOf(pulled.carriedObjects), [...sent.contents.keys()]);
      await own.confirm(runId, sent.messageId);

      const answer = replyTo(sent, link.clock.nowMicros());
      const { objectsToPush } = await client.call(client.method.pushMessages, {
        node,
        messagesList: [answer.message],
        messageObjectTrees: [answer.tree],
        carriedObjects: listOf(answer),
      });
      assertEquals(objectsToPush, []);
      const messageIds = [sent.messageId];
      const replies = await app.call(method.pullMessages, { runId, messageIds, carryBytes: TAKEN });
      assertEquals(idsOf(replies.carriedObjects), [...answer.contents.keys()]);
      await app.confirm(runId, answer.messageId);
    }));
}

Deno.test("A node that does not ask for objects is answered as Flower answers", () =>
  onRun({}, async (stage) => {
    const { nodes: [own], instruct } = stage;
    const { client, node } = own!;
    await push(stage, instruct(own!));
    const pulled = await client.call(client.method.pullMessages, { node });
    assertEquals([pulled.carriedObjects, pulled.carryBytes], [[], 0n]);
  }));

Deno.test("Large objects, and those for which there is no room, have calls of their own", () =>
  onRun({}, async (stage) => {
    const { nodes: [own], instruct, runId } = stage;
    const { client, node } = own!;
    const sent = instruct(own!, { content: arrays(100_000) });
    const large = [...sent.contents].filter(([, content]) => content.length > 32 * 1024);
    assertEquals(await push(stage, sent), large.map(([objectId]) => objectId));
    for (const one of large) assertEquals(await stage.app.pushObject(runId, ...one), true);
    const room = (carryBytes: bigint) =>
      client.call(client.method.pullMessages, { node, carryBytes });
    const { carriedObjects } = await room(TAKEN);
    assertEquals(carriedObjects.length, sent.contents.size - large.length);
    for (const [objectId] of large) {
      const { objectContent } = await own!.pullObject(runId, objectId);
      assertEquals(objectIdOf(objectContent), objectId);
    }
    await own!.confirm(runId, sent.messageId);
    const next = instruct(own!);
    await push(stage, next);
    assertEquals((await room(1n)).carriedObjects, []);
  }));

Deno.test("What travels with a message and is none of its objects is passed over", () =>
  onRun({}, async (stage) => {
    const { app, nodes: [own], instruct, runId } = stage;
    const sent = instruct(own!);
    const [first, ...rest] = listOf(sent);
    const { objectsToPush } = await app.call(method.pushMessages, {
      runId,
      messagesList: [sent.message],
      messageObjectTrees: [sent.tree],
      carriedObjects: [
        { objectId: "f".repeat(64), content: new Uint8Array(9) },
        { objectId: first!.objectId, content: new Uint8Array(9) },
        { objectId: "", content: new Uint8Array() },
        ...rest,
      ],
    });
    assertEquals(objectsToPush, [first!.objectId]);
    assertEquals(await own!.pull(AbortSignal.timeout(50)).catch(() => undefined), undefined);
    assertEquals(await app.pushObject(runId, first!.objectId, first!.content), true);
    assertEquals((await own!.take()).messageId, sent.messageId);
  }));
