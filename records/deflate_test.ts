import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { assertEquals } from "@std/assert";
import { MessageSchema, ObjectTreeSchema } from "../proto/gen/flwr/proto/message_pb.ts";
import { RecordDictSchema } from "../proto/gen/flwr/proto/recorddict_pb.ts";
import { FlowerArray, NUMPY_STYPE } from "./array.ts";
import { ArrayRecord } from "./array_record.ts";
import { ConfigRecord } from "./config_record.ts";
import {
  deflateArray,
  type Deflated,
  deflateMessage,
  deflateRecord,
  deflateRecordDict,
  MAX_CHUNK_BYTES,
} from "./deflate.ts";
import { ErrorCode } from "./error_code.ts";
import { createInstruction, type Message, pushedMessage } from "./message.ts";
import { MetricRecord } from "./metric_record.ts";
import { type NdArray, ndArray } from "./ndarray.ts";
import { encodeHead } from "./object_head.ts";
import { objectIdOf } from "./object_id.ts";
import { RecordDict } from "./record_dict.ts";
import { createErrorReply, createReply } from "./reply.ts";
import { contentsOf, type VectorCase, vectorCase, vectors } from "./testdata/fixtures.ts";

const RUN_ID = 1234567890123456789n;
const NODE_ID = 9876543210987654321n;

const weights = ndArray(new Float32Array([1, 2, 3]));
const one = ndArray(new Float32Array([1]));
const noData = new FlowerArray({
  dtype: "",
  shape: [],
  stype: NUMPY_STYPE,
  data: new Uint8Array(),
});

function array(nd: NdArray): Deflated {
  return deflateArray(FlowerArray.fromNdArray(nd));
}

function arrays(...entries: [string, NdArray][]): ArrayRecord {
  return ArrayRecord.fromNdArrays(entries);
}

/** NumPy's own bytes, because arrays in Fortran order are read and carried, but never written. */
function fortran(): FlowerArray {
  const contents = [...contentsOf(vectorCase("array-float32-fortran")).values()];
  const chunk = contents[0] ?? new Uint8Array();
  return new FlowerArray({
    dtype: "float32",
    shape: [2, 3],
    stype: NUMPY_STYPE,
    data: chunk.subarray(chunk.indexOf(0) + 1),
  });
}

function threeChunks(): FlowerArray {
  const data = new Uint8Array(2 * MAX_CHUNK_BYTES + 3);
  data.set([0x61, 0x62, 0x63], 2 * MAX_CHUNK_BYTES);
  return new FlowerArray({ dtype: "uint8", shape: [data.length], stype: "custom.raw", data });
}

const fedAvgContent = new RecordDict({
  arrays: arrays(["weights", weights]),
  config: new ConfigRecord({ "server-round": 1n }),
});

function instruction(content: RecordDict): Message {
  return createInstruction({
    runId: RUN_ID,
    dstNodeId: NODE_ID,
    messageType: "train",
    content,
    nowSeconds: 1767225600.5,
  });
}

const train = instruction(fedAvgContent);
const trained = { ...train.metadata, messageId: vectorCase("message-instruction").root_object_id };
const replied = { nowSeconds: 1767225601.25 };
const trainReply = createReply(
  trained,
  new RecordDict({
    arrays: arrays(["weights", ndArray(new Float32Array([1.5, 2.5, 3.5]))]),
    metrics: new MetricRecord({ "train-loss": 0.125, "num-examples": 64n }),
  }),
  replied,
);
const raised = createErrorReply(
  trained,
  { code: ErrorCode.CLIENT_APP_RAISED_EXCEPTION, reason: "<class 'ValueError'>:<'boom'>" },
  replied,
);
const ofFlower142: Message = {
  content: new RecordDict({ config: new ConfigRecord({ "server-round": 1n }) }),
  metadata: { ...train.metadata, srcTaskId: 5555555555555555555n },
};

const messages: Readonly<Record<string, Message>> = {
  "message-instruction": train,
  "message-reply": trainReply,
  "message-error": raised,
  "message-instruction-with-task-id": ofFlower142,
};

const made: Readonly<Record<string, () => Deflated>> = {
  "array-float32-1d": () => array(weights),
  "array-float64-2d": () => array(ndArray(new Float64Array([1.5, -2.25, 0, 4]), [2, 2])),
  "array-int64-0d": () => array(ndArray(new BigInt64Array([7n]), [])),
  "array-float32-fortran": () => deflateArray(fortran()),
  "array-float32-empty": () => array(ndArray(new Float32Array())),
  "array-no-data": () => deflateArray(noData),
  "array-bool": () => array({ dtype: "bool", shape: [3], data: new Uint8Array([1, 0, 1]) }),
  "array-three-chunks-two-equal": () => deflateArray(threeChunks()),
  "arrayrecord": () =>
    deflateRecord(arrays(["weights", weights], ["bias", ndArray(new Float32Array([0.5]))])),
  "arrayrecord-from-list": () => deflateRecord(arrays(["0", one], ["1", one])),
  "arrayrecord-empty": () => deflateRecord(new ArrayRecord()),
  "arrayrecord-nonascii-key": () => deflateRecord(arrays(["gewicht-ü-🌸", one])),
  "metricrecord": () =>
    deflateRecord(
      new MetricRecord({
        "loss": 0.25,
        "num-examples": 64n,
        "delta": -3n,
        "history": [0.5, 0.25],
        "counts": [1n, -2n, 3n],
        "big": 2n ** 63n,
        "bigs": [1n, 2n ** 64n - 1n],
        "zero": 0n,
        "fzero": 0,
      }),
    ),
  "metricrecord-order": () => deflateRecord(new MetricRecord({ "num-examples": 64n, loss: 0.25 })),
  "metricrecord-empty-list": () => deflateRecord(new MetricRecord({ none: [] })),
  "metricrecord-empty": () => deflateRecord(new MetricRecord()),
  "configrecord": () =>
    deflateRecord(
      new ConfigRecord({
        "server-round": 1n,
        "lr": 0.1,
        "name": "abc",
        "flag": true,
        "off": false,
        "blob": new Uint8Array([0, 1, 255]),
        "bools": [true, false],
        "ints": [1n, 2n],
        "doubles": [1, 2.5],
        "strings": ["a", "b"],
        "blobs": [new Uint8Array([0x78]), new Uint8Array()],
        "empty-string": "",
        "empty-list": [],
      }),
    ),
  "recorddict": () => deflateRecordDict(fedAvgContent),
  "recorddict-empty": () => deflateRecordDict(new RecordDict()),
  ...Object.fromEntries(
    Object.entries(messages).map(([name, message]) => [name, () => deflateMessage(message)]),
  ),
};

function assertIs(deflated: Deflated, vector: VectorCase): void {
  assertEquals(deflated.objectId, vector.root_object_id);
  assertEquals(
    deflated.objects.map(({ objectId, type, children, sizeBytes }) => [
      objectId,
      type,
      children,
      sizeBytes,
    ]),
    vector.objects_in_post_order.map((o) => [o.object_id, o.type, o.children, o.content_length]),
  );
  const contents = contentsOf(vector);
  for (const object of deflated.objects) {
    assertEquals(object.content().toHex() === contents.get(object.objectId)?.toHex(), true);
  }
  const tree = toBinary(ObjectTreeSchema, deflated.tree).toHex();
  assertEquals(tree, vector.object_tree_proto_hex);
}

for (const [name, make] of Object.entries(made)) {
  Deno.test(`deflate() makes the objects of vector ${name}`, () => {
    assertIs(make(), vectorCase(name));
  });
}

Deno.test("deflate() is tried on every vector but the lone chunk", () => {
  const names = [...vectors.cases, ...vectors.cases_flwr_1_42_only].map(({ name }) => name);
  assertEquals(names.filter((name) => !(name in made)), ["arraychunk"]);
});

Deno.test("encodeHead() and objectIdOf() make vector arraychunk", () => {
  const body = new TextEncoder().encode("hello");
  const head = encodeHead("ArrayChunk", [], body.length);
  assertEquals(objectIdOf(head, body), vectorCase("arraychunk").root_object_id);
});

for (const [name, message] of Object.entries(messages)) {
  Deno.test(`pushedMessage() makes the message of vector ${name}`, () => {
    const pushed = pushedMessage(message, deflateMessage(message).objectId);
    assertEquals(
      toBinary(MessageSchema, pushed).toHex(),
      vectorCase(name).pushed_message_proto_hex,
    );
  });
}

Deno.test("RecordDict converts to protobuf with its arrays inline, and back", () => {
  const hex = vectorCase("recorddict").recorddict_proto_hex ?? "";
  assertEquals(toBinary(RecordDictSchema, fedAvgContent.toProto()).toHex(), hex);
  const back = RecordDict.fromProto(fromBinary(RecordDictSchema, Uint8Array.fromHex(hex)));
  assertEquals(toBinary(RecordDictSchema, back.toProto()).toHex(), hex);
});

Deno.test("deflateRecord() keeps keys in the order given, integer-like ones too", () => {
  // Made with flwr 1.25.0.
  const id = "e9e08aa61150a9f125937d9facf8c14e65cf4945c46029f81d3567c21e550c4b";
  const record = new ArrayRecord([["b", noData], ["10", noData], ["9", noData]]);
  assertEquals(deflateRecord(record).objectId, id);
});

Deno.test("deflateMessage() leaves the message id out of what it hashes", () => {
  const metadata = { ...train.metadata, messageId: "ab".repeat(32) };
  assertEquals(
    deflateMessage({ ...train, metadata } as Message).objectId,
    vectorCase("message-instruction").root_object_id,
  );
});

Deno.test("deflateMessage() shares the records of messages to many nodes", () => {
  const [a, b] = [2n, 3n].map((dstNodeId) =>
    deflateMessage({ ...train, metadata: { ...train.metadata, dstNodeId } } as Message)
  );
  assertEquals(a?.objects.slice(0, -1), b?.objects.slice(0, -1));
  assertEquals(a?.objectId === b?.objectId, false);
});
