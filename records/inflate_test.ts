import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { assertEquals, assertThrows } from "@std/assert";
import {
  ContextSchema,
  MessageSchema,
  ObjectTreeSchema,
} from "../proto/gen/flwr/proto/message_pb.ts";
import { NUMPY_STYPE } from "./array.ts";
import { contextFromProto, contextToProto } from "./context.ts";
import { deflateArray, deflateMessage, deflateRecord, deflateRecordDict } from "./deflate.ts";
import {
  inflateArray,
  inflateMessage,
  inflateRecord,
  inflateRecordDict,
  type ObjectContents,
} from "./inflate.ts";
import { pushedMessage } from "./message.ts";
import { encodeNpy } from "./npy.ts";
import { postOrder } from "./object_tree.ts";
import { RecordError } from "./record_error.ts";
import { contentsOf, randomMessages, vectorCase, vectors } from "./testdata/fixtures.ts";
import { checkObject } from "./validate_object.ts";

function deflateAgain(type: string, id: string, contents: ObjectContents) {
  switch (type) {
    case "Message":
      return deflateMessage(inflateMessage(id, contents));
    case "RecordDict":
      return deflateRecordDict(inflateRecordDict(id, contents));
    case "Array":
      return deflateArray(inflateArray(id, contents));
    default:
      return deflateRecord(inflateRecord(id, contents));
  }
}

for (const vector of [...vectors.cases, ...vectors.cases_flwr_1_42_only]) {
  const type = vector.objects_in_post_order.at(-1)?.type ?? "";
  if (type === "ArrayChunk") continue;
  Deno.test(`inflate() and deflate() give vector ${vector.name} back`, () => {
    const again = deflateAgain(type, vector.root_object_id, contentsOf(vector));
    assertEquals(again.objectId, vector.root_object_id);
    const ids = vector.objects_in_post_order.map(({ object_id }) => object_id);
    assertEquals(again.objects.map(({ objectId }) => objectId), ids);
    const tree = toBinary(ObjectTreeSchema, again.tree).toHex();
    assertEquals(tree, vector.object_tree_proto_hex);
  });
}

Deno.test("Random messages of flwr 1.25.0 come back to the last byte", () => {
  for (const { root, objects, tree, pushed, context } of randomMessages.messages) {
    const contents = new Map(
      Object.entries(objects).map(([id, hex]) => [id, Uint8Array.fromHex(hex)]),
    );
    for (const [id, content] of contents) assertEquals(checkObject(id, content), undefined);
    const entries = postOrder(fromBinary(ObjectTreeSchema, Uint8Array.fromHex(tree)));
    assertEquals(entries.map(({ objectId }) => objectId), Object.keys(objects));

    const message = inflateMessage(root, contents);
    const again = deflateMessage(message);
    const hexes = again.objects.map((object) => [object.objectId, object.content().toHex()]);
    assertEquals(Object.fromEntries(hexes), objects);
    assertEquals(toBinary(ObjectTreeSchema, again.tree).toHex(), tree);
    assertEquals(toBinary(MessageSchema, pushedMessage(message, root)).toHex(), pushed);
    if (context !== null) {
      const decoded = contextFromProto(fromBinary(ContextSchema, Uint8Array.fromHex(context)));
      assertEquals(toBinary(ContextSchema, contextToProto(decoded)).toHex(), context);
    }
  }
});

Deno.test("Arrays of flwr 1.25.0 can be read, and written as NumPy does", () => {
  let arrays = 0;
  for (const { root, objects } of randomMessages.messages) {
    const contents = new Map(
      Object.entries(objects).map(([id, hex]) => [id, Uint8Array.fromHex(hex)]),
    );
    for (const record of inflateMessage(root, contents).content?.arrayRecords().values() ?? []) {
      for (const array of record.values()) {
        if (array.stype !== NUMPY_STYPE) continue;
        arrays++;
        const elements = array.toNdArray();
        assertEquals(elements.shape, array.shape);
        const header = new TextDecoder("latin1").decode(array.data.subarray(0, 128));
        const plain = !/'>|'fortran_order': True/.test(header);
        if (plain) assertEquals(encodeNpy(elements), array.data);
      }
    }
  }
  assertEquals(arrays > 3, true);
});

Deno.test("inflateMessage() sets the message id that the hashed bytes leave out", () => {
  const vector = vectorCase("message-reply");
  const { metadata, content } = inflateMessage(vector.root_object_id, contentsOf(vector));
  assertEquals(metadata.messageId, vector.root_object_id);
  assertEquals([...content?.keys() ?? []], ["arrays", "metrics"]);
  assertEquals([...content?.metricRecords().get("metrics") ?? []], [
    ["train-loss", 0.125],
    ["num-examples", 64n],
  ]);
});

Deno.test("inflateArray() does not copy data that is one chunk", () => {
  const vector = vectorCase("array-float32-1d");
  const contents = contentsOf(vector);
  const array = inflateArray(vector.root_object_id, contents);
  assertEquals([...contents.values()].some(({ buffer }) => buffer === array.data.buffer), true);
});

Deno.test("inflateMessage() refuses content under an id that is not its hash", () => {
  const vector = vectorCase("message-instruction");
  for (const { object_id } of vector.objects_in_post_order) {
    const contents = contentsOf(vector);
    const content = contents.get(object_id)?.slice();
    const last = content && content.length - 1;
    if (content === undefined || last === undefined) throw new Error("No content");
    content[last] = 1 ^ (content[last] ?? 0);
    contents.set(object_id, content);
    assertThrows(
      () => inflateMessage(vector.root_object_id, contents),
      RecordError,
      "does not hash",
    );
  }
});

Deno.test("inflateMessage() bounds the array data of a message as a whole", () => {
  const vector = vectorCase("message-instruction");
  const inflate = (maxArrayDataBytes: number) =>
    inflateMessage(vector.root_object_id, contentsOf(vector), { maxArrayDataBytes });
  assertThrows(() => inflate(139), RecordError, "more array data");
  assertEquals(inflate(140).content?.size, 2);
});
