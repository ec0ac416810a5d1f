import { assertEquals } from "@std/assert";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";

import {
  PullObjectResponseSchema,
  PushObjectRequestSchema,
} from "../proto/gen/flwr/proto/message_pb.ts";
import { encode } from "./encode.ts";

function content(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index % 251);
}

for (const length of [0, 1, 65_535, 65_536, 300_000]) {
  Deno.test(`a message with a content of ${length} bytes is read as what it was`, () => {
    const init = {
      node: { nodeId: 5n },
      runId: 7n,
      objectId: "id",
      objectContent: content(length),
    };
    const read = fromBinary(PushObjectRequestSchema, encode(PushObjectRequestSchema, init));
    assertEquals(read, create(PushObjectRequestSchema, init));
  });
}

Deno.test("a message with a large content is as long as protobuf-es makes it, and stays as it is", () => {
  const message = create(PullObjectResponseSchema, {
    objectFound: true,
    objectAvailable: true,
    objectContent: content(100_000),
  });
  const bytes = encode(PullObjectResponseSchema, message);
  assertEquals(bytes.length, toBinary(PullObjectResponseSchema, message).length);
  assertEquals(message.objectContent, content(100_000));
});

Deno.test("fields that this release does not know are kept beside a large content", () => {
  const unknown = new Uint8Array([0xfa, 0x3f, 1, 9]);
  const known = toBinary(
    PullObjectResponseSchema,
    create(PullObjectResponseSchema, { objectContent: content(70_000) }),
  );
  const message = fromBinary(PullObjectResponseSchema, new Uint8Array([...unknown, ...known]));
  const again = fromBinary(PullObjectResponseSchema, encode(PullObjectResponseSchema, message));
  assertEquals(again.$unknown?.map(({ no }) => no), [1023]);
  assertEquals(again.objectContent, content(70_000));
});
