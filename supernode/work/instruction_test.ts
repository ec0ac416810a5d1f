import { clone, create } from "@bufbuild/protobuf";
import { assertEquals, assertThrows } from "@std/assert";
import {
  type PullMessagesResponse,
  PullMessagesResponseSchema,
} from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { RecordError } from "../../records/record_error.ts";
import { makeInstruction, NODE_ID, NOW_S } from "../testing/messages.ts";
import { expiryOf, readInstruction } from "./instruction.ts";

const { instruction } = makeInstruction();

function answer(change: (answer: PullMessagesResponse) => void): PullMessagesResponse {
  const { message, tree } = instruction;
  const whole = create(PullMessagesResponseSchema, {
    messagesList: [message],
    messageObjectTrees: [tree],
  });
  const copy = clone(PullMessagesResponseSchema, whole);
  change(copy);
  return copy;
}

Deno.test("readInstruction gives a message with its objects, children first", () => {
  const read = readInstruction(answer(() => {}), NODE_ID);
  assertEquals(read?.metadata.messageType, "train");
  assertEquals(read?.objects.at(-1)?.objectId, read?.metadata.messageId);
  assertEquals(read && expiryOf(read.metadata), NOW_S + 43_200);
});

Deno.test("readInstruction gives nothing for an empty answer", () => {
  assertEquals(readInstruction(create(PullMessagesResponseSchema), NODE_ID), undefined);
});

const MALFORMED: [title: string, change: (answer: PullMessagesResponse) => void][] = [
  ["no metadata", ({ messagesList: [message] }) => delete message?.metadata],
  ["no tree", (whole) => whole.messageObjectTrees = []],
  ["another node's id", ({ messagesList: [message] }) => message!.metadata!.dstNodeId = 8n],
  ["another message's tree", ({ messageObjectTrees: [tree] }) => tree!.objectId = "ab".repeat(32)],
  [
    "a type that Flower does not have",
    ({ messagesList: [message] }) => message!.metadata!.messageType = "dance",
  ],
  [
    "a child id that is none",
    ({ messageObjectTrees: [tree] }) => tree!.children[0]!.objectId = "../../x",
  ],
];

for (const [title, change] of MALFORMED) {
  Deno.test(`readInstruction refuses a message with ${title}`, () => {
    assertThrows(() => readInstruction(answer(change), NODE_ID), RecordError);
  });
}
