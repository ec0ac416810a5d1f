import { assertEquals } from "@std/assert";
import { inflateMessage } from "../../records/inflate.ts";
import { ErrorCode } from "../../records/error_code.ts";
import { postOrder } from "../../records/object_tree.ts";
import { makeInstruction, NODE_ID, NOW_S, RUN_ID } from "../testing/messages.ts";
import { makeErrorReply } from "./error_reply.ts";
import { ObjectStore } from "./object_store.ts";

Deno.test("makeErrorReply makes a whole reply that says what went wrong", () => {
  const objects = new ObjectStore(1e6);
  const { instruction: { metadata } } = makeInstruction();
  const error = { code: ErrorCode.CLIENT_APP_CRASHED, reason: "It crashed." };
  const { message, tree, runtimeSeconds } = makeErrorReply(objects, metadata, error, NOW_S + 5);
  assertEquals(objects.isComplete(tree.objectId), true);
  assertEquals([message.metadata?.messageId, runtimeSeconds], [tree.objectId, 0]);
  const contents = new Map(
    postOrder(tree).map(({ objectId }) => {
      const found = objects.get(RUN_ID, objectId);
      return [objectId, found.state === "stored" ? found.content : new Uint8Array()];
    }),
  );
  const reply = inflateMessage(tree.objectId, contents);
  assertEquals([reply.error?.code, reply.error?.reason], [8n, "It crashed."]);
  assertEquals(reply.metadata.replyToMessageId, metadata.messageId);
  assertEquals([reply.metadata.srcNodeId, reply.metadata.dstNodeId], [NODE_ID, 1n]);
});
