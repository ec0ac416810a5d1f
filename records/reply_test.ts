import { assertEquals } from "@std/assert";
import type { Metadata } from "./metadata.ts";
import { RecordDict } from "./record_dict.ts";
import { createErrorReply, createReply } from "./reply.ts";

const instruction: Metadata = {
  runId: 5n,
  messageId: "ab".repeat(32),
  srcNodeId: 1n,
  dstNodeId: 77n,
  replyToMessageId: "",
  groupId: "3",
  ttlSeconds: 100,
  messageType: "train",
  createdAtSeconds: 1000,
};

Deno.test("createReply() turns source and destination round and names the instruction", () => {
  const content = new RecordDict();
  const reply = createReply(instruction, content, { nowSeconds: 1010 });
  assertEquals(reply, {
    metadata: {
      runId: 5n,
      messageId: "",
      srcNodeId: 77n,
      dstNodeId: 1n,
      replyToMessageId: "ab".repeat(32),
      groupId: "3",
      ttlSeconds: 90,
      messageType: "train",
      createdAtSeconds: 1010,
    },
    content,
  });
});

Deno.test("createReply() turns the task ids of newer versions round", () => {
  const { metadata } = createReply(
    { ...instruction, srcTaskId: 8n, dstTaskId: 9n },
    new RecordDict(),
    { nowSeconds: 1010 },
  );
  assertEquals([metadata.srcTaskId, metadata.dstTaskId], [9n, 8n]);
});

// Asked for, seconds since the instruction, given: flwr 1.25.0 gives the same.
const ttls: readonly [number | undefined, number, number][] = [
  [undefined, 0, 100],
  [undefined, 10, 90],
  [undefined, 110, -10],
  [0, 10, 90],
  [5, 10, 5],
  [90, 10, 90],
  [90.05, 10, 90.05],
  [90.2, 10, 90],
  [5, 110, -10],
];

Deno.test("createErrorReply() limits the time to live to what the instruction has left", () => {
  const error = { code: 8n, reason: "" };
  for (const [ttlSeconds, elapsedSeconds, expected] of ttls) {
    const options = {
      nowSeconds: 1000 + elapsedSeconds,
      ...(ttlSeconds !== undefined && { ttlSeconds }),
    };
    const reply = createErrorReply(instruction, error, options);
    assertEquals([reply.error, reply.metadata.ttlSeconds], [error, expected]);
  }
});
