import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { assertEquals, assertThrows } from "@std/assert";
import type { UserConfigValue } from "../config/user_config.ts";
import { ContextSchema, MessageSchema } from "../proto/gen/flwr/proto/message_pb.ts";
import { contextFromProto, contextToProto } from "./context.ts";
import { deflateMessage } from "./deflate.ts";
import { ErrorCode } from "./error_code.ts";
import { inflateMessage } from "./inflate.ts";
import { createInstruction, hashedMessage, messageFromHashed, pushedMessage } from "./message.ts";
import { metadataFromProto, metadataToProto } from "./metadata.ts";
import { MetricRecord } from "./metric_record.ts";
import { RecordDict } from "./record_dict.ts";
import { RecordError } from "./record_error.ts";
import { vectors } from "./testdata/fixtures.ts";
import { userConfigFromProto, userConfigToProto } from "./scalar_map.ts";

const instruction = createInstruction({
  runId: 2n ** 64n - 1n,
  dstNodeId: 2n ** 63n,
  messageType: "query.stats",
  content: new RecordDict(),
  nowSeconds: 1767225600.5,
});

Deno.test("createInstruction() fills in what Flower fills in", () => {
  assertEquals(instruction.metadata, {
    runId: 2n ** 64n - 1n,
    messageId: "",
    srcNodeId: 1n,
    dstNodeId: 2n ** 63n,
    replyToMessageId: "",
    groupId: "",
    ttlSeconds: 43200,
    messageType: "query.stats",
    createdAtSeconds: 1767225600.5,
  });
});

Deno.test("createInstruction() and metadataFromProto() refuse an unknown message type", () => {
  const { content } = instruction;
  const options = { runId: 1n, dstNodeId: 2n, messageType: "fit", content, nowSeconds: 1 };
  assertThrows(() => createInstruction(options), RecordError, "'fit'");
  const proto = metadataToProto({ ...instruction.metadata, messageType: "fit" });
  assertThrows(() => metadataFromProto(proto), RecordError, "'fit'");
});

Deno.test("Fields of newer versions survive, so the message id stays the same", () => {
  // Field 99 in the message, in its metadata and in its error.
  const newer = "9a0601ff";
  const metadata = toBinary(MessageSchema, pushedMessage(instruction, "")).subarray(2, -2).toHex();
  const parts = [`${metadata}5005580b${newer}`, `0804${newer}`];
  const [metadataHex = "", errorHex = ""] = parts;
  const length = (hex: string) => (hex.length / 2).toString(16).padStart(2, "0");
  const hex = `0a${length(metadataHex)}${metadataHex}1a${length(errorHex)}${errorHex}${newer}`;

  const proto = fromBinary(MessageSchema, Uint8Array.fromHex(hex));
  const message = messageFromHashed(proto, "the-id", undefined);
  assertEquals([message.metadata.srcTaskId, message.metadata.dstTaskId], [5n, 11n]);
  assertEquals(message.metadata.messageId, "the-id");
  assertEquals(toBinary(MessageSchema, hashedMessage(message)).toHex(), hex);

  const { objectId, objects } = deflateMessage(message);
  const contents = new Map(objects.map((object) => [object.objectId, object.content()]));
  const back = inflateMessage(objectId, contents);
  assertEquals(back, { ...message, metadata: { ...message.metadata, messageId: objectId } });
});

Deno.test("pushedMessage() has an empty content that is present, or the error", () => {
  const content = new RecordDict({ metrics: new MetricRecord({ a: 1n }) });
  const pushed = pushedMessage({ ...instruction, content }, "id");
  assertEquals([pushed.metadata?.messageId, pushed.content?.items], ["id", []]);
  const { metadata } = instruction;
  const error = { code: ErrorCode.NODE_UNAVAILABLE, reason: "gone" };
  const failed = pushedMessage({ metadata, error }, "id");
  assertEquals([failed.content, failed.error?.code, failed.error?.reason], [
    undefined,
    5n,
    "gone",
  ]);
});

Deno.test("A context of flwr 1.25.0 comes back to the last byte", () => {
  const { context_proto_hex } = vectors.context;
  const proto = fromBinary(ContextSchema, Uint8Array.fromHex(context_proto_hex));
  const context = contextFromProto(proto);
  assertEquals(context.nodeConfig, new Map([["partition-id", 0n]]));
  assertEquals(context.runConfig, new Map([["lr", 0.1]]));
  assertEquals([...context.state.metricRecords().get("history") ?? []], [["fits", 2n]]);
  assertEquals(toBinary(ContextSchema, contextToProto(context)).toHex(), context_proto_hex);
});

Deno.test("A context keeps its series id and fields of newer versions, and needs no state", () => {
  const hex = "08013007" + "9a0601ff";
  const context = contextFromProto(fromBinary(ContextSchema, Uint8Array.fromHex(hex)));
  assertEquals([context.seriesId, context.state.size], [7n, 0]);
  const again = toBinary(ContextSchema, contextToProto(context)).toHex();
  assertEquals(again, "08012200" + "3007" + "9a0601ff");
});

Deno.test("User configs keep bool, int, float and str apart", () => {
  const config = new Map<string, UserConfigValue>([
    ["a", true],
    ["b", 1n],
    ["c", 1],
    ["d", "1"],
    ["e", 2n ** 64n - 1n],
    ["__proto__", -(2n ** 63n)],
  ]);
  const proto = create(ContextSchema, { nodeConfig: userConfigToProto(config) });
  const decoded = fromBinary(ContextSchema, toBinary(ContextSchema, proto));
  assertEquals(userConfigFromProto(decoded.nodeConfig), config);
});

Deno.test("User configs refuse bytes, missing values and ints past 64 bits", () => {
  const withScalar = (hex: string) =>
    fromBinary(ContextSchema, Uint8Array.fromHex(`1a050a0161${hex}`)).nodeConfig;
  assertThrows(() => userConfigFromProto(withScalar("1200")), RecordError, "'a'");
  const bytes = fromBinary(ContextSchema, Uint8Array.fromHex("1a080a016112037a0161")).nodeConfig;
  assertThrows(() => userConfigFromProto(bytes), RecordError, "'a'");
  assertThrows(() => userConfigToProto(new Map([["a", 2n ** 64n]])), RecordError, "'a'");
});
