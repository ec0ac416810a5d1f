import { clone, create } from "@bufbuild/protobuf";
import { assertEquals, assertThrows } from "@std/assert";
import { ErrorSchema } from "../../proto/gen/flwr/proto/error_pb.ts";
import {
  type Message,
  MessageSchema,
  type ObjectTree,
  ObjectTreeSchema,
} from "../../proto/gen/flwr/proto/message_pb.ts";
import { StatusError } from "../../wire/status.ts";
import { makeInstruction, makeReply } from "../testing/messages.ts";
import { checkReply } from "./check_reply.ts";

const { instruction } = makeInstruction();
const good = makeReply(instruction);

Deno.test("checkReply takes a reply with content, and gives its objects", () => {
  const reply = checkReply(instruction.metadata, good.message, good.tree);
  assertEquals(reply.messageId, good.tree.objectId);
  assertEquals(reply.objects.map(({ objectId }) => objectId), [...good.contents.keys()]);
});

Deno.test("checkReply takes a reply with an error", () => {
  const message = clone(MessageSchema, good.message);
  delete message.content;
  message.error = create(ErrorSchema, { code: 2n, reason: "boom" });
  checkReply(instruction.metadata, message, good.tree);
});

const BAD: [title: string, change: (message: Message, tree: ObjectTree) => void][] = [
  ["without metadata", (message) => delete message.metadata],
  ["to another message", (message) => message.metadata!.replyToMessageId = "ab".repeat(32)],
  ["of another run", (message) => message.metadata!.runId = 1n],
  ["from another node", (message) => message.metadata!.srcNodeId = 8n],
  ["to another node", (message) => message.metadata!.dstNodeId = 8n],
  ["with another message's id", (message) => message.metadata!.messageId = "ab".repeat(32)],
  ["with another message's tree", (_, tree) => tree.objectId = "ab".repeat(32)],
  ["without content and error", (message) => delete message.content],
  ["with content and an error", (message) => message.error = create(ErrorSchema, { code: 2n })],
  ["of an unknown type", (message) => message.metadata!.messageType = "dance"],
  ["with a tree of other things", (_, tree) => tree.children[0]!.objectId = "x"],
];

for (const [title, change] of BAD) {
  Deno.test(`checkReply refuses a reply ${title}`, () => {
    const message = clone(MessageSchema, good.message);
    const tree = clone(ObjectTreeSchema, good.tree);
    change(message, tree);
    const check = () => checkReply(instruction.metadata, message, tree);
    assertEquals(assertThrows(check, StatusError).status, "INVALID_ARGUMENT");
  });
}

Deno.test("checkReply refuses a reply without a message or a tree", () => {
  assertThrows(() => checkReply(instruction.metadata, undefined, good.tree), StatusError);
  assertThrows(() => checkReply(instruction.metadata, good.message, undefined), StatusError);
});
