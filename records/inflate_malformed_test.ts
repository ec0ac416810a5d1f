import { create, toBinary } from "@bufbuild/protobuf";
import { assertEquals, assertThrows } from "@std/assert";
import { type Message as MessageProto, MessageSchema } from "../proto/gen/flwr/proto/message_pb.ts";
import { inflateMessage } from "./inflate.ts";
import { encodeHead, type ObjectType } from "./object_head.ts";
import { objectIdOf } from "./object_id.ts";
import { RecordError } from "./record_error.ts";

/** A set of objects to which malformed ones can be added under their true ids. */
class Objects {
  readonly contents = new Map<string, Uint8Array>();

  add(type: ObjectType, children: readonly string[], body: string | Uint8Array): string {
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    const head = encodeHead(type, children, bytes.length);
    const content = new Uint8Array([...head, ...bytes]);
    const id = objectIdOf(content);
    this.contents.set(id, content);
    return id;
  }

  chunk(body = "abc"): string {
    return this.add("ArrayChunk", [], body);
  }

  array(children: readonly string[], indexes: readonly number[]): string {
    const body = `{"dtype": "uint8", "shape": [3], "stype": "raw", "arraychunk_ids": [${indexes}]}`;
    return this.add("Array", children, body);
  }

  message(children: readonly string[], proto: Partial<MessageProto> = {}): string {
    const metadata = create(MessageSchema, { metadata: { messageType: "train" } }).metadata;
    const message = create(MessageSchema, { ...(metadata && { metadata }), ...proto });
    return this.add("Message", children, toBinary(MessageSchema, message));
  }
}

const withId = create(MessageSchema, {
  metadata: { messageType: "train", messageId: "x" },
  error: { code: 2n },
});
const unknownType = create(MessageSchema, { metadata: { messageType: "fit" } });
const error = create(MessageSchema, { error: { code: 2n } }).error;
const absent = "ab".repeat(32);

/** What is wrong, how to make it, and a part of the reason. */
type Case = readonly [what: string, make: (objects: Objects) => string, why: string];

const messages: readonly Case[] = [
  ["a root that is missing", () => absent, "missing"],
  ["a root that is no Message", (o) => o.add("RecordDict", [], "{}"), "a Message belongs"],
  ["a Message whose content is missing", (o) => o.message([absent]), "missing"],
  ["a Message without content and error", (o) => o.message([]), "exactly one"],
  [
    "a Message with content and error",
    (o) => o.message([o.add("RecordDict", [], "{}")], { ...(error && { error }) }),
    "exactly one",
  ],
  [
    "a Message with two children",
    (o) => o.message([o.add("RecordDict", [], "{}"), o.chunk()]),
    "more than one child",
  ],
  ["a Message without metadata", (o) => o.add("Message", [], ""), "no metadata"],
  ["a Message that is no protobuf", (o) => o.add("Message", [], "\x0a\x7f"), "not protobuf"],
  ["a Message that hashes its own id", (o) => o.message([], withId), "an id or content"],
  [
    "a Message of an unknown type",
    (o) => o.message([o.add("RecordDict", [], "{}")], unknownType),
    "'fit'",
  ],
];

const contents: readonly Case[] = [
  ["an ArrayRecord as content", (o) => o.add("ArrayRecord", [], "{}"), "a RecordDict belongs"],
  ["a Message as content", (o) => o.message([absent]), "a RecordDict belongs"],
  ["a RecordDict that is no JSON", (o) => o.add("RecordDict", [], "{"), "JSON"],
  ["a RecordDict that is no UTF-8", (o) => o.add("RecordDict", [], Uint8Array.of(0xff)), "UTF-8"],
  [
    "a RecordDict with a child that it does not name",
    (o) => o.add("RecordDict", [o.add("MetricRecord", [], "")], "{}"),
    "does not name",
  ],
  [
    "a RecordDict that names more than its children",
    (o) => o.add("RecordDict", [], `{"a": "${o.add("MetricRecord", [], "")}"}`),
    "does not name",
  ],
];

const records: readonly Case[] = [
  ["an Array as record", (o) => o.array([o.chunk()], [0]), "a record belongs"],
  ["a MetricRecord that is no protobuf", (o) => o.add("MetricRecord", [], "\x0a\x7f"), "protobuf"],
  ["a MetricRecord with children", (o) => o.add("MetricRecord", [o.chunk()], ""), "has children"],
  ["a ConfigRecord with children", (o) => o.add("ConfigRecord", [o.chunk()], ""), "has children"],
  [
    "a MetricRecord with an entry without value",
    (o) => o.add("MetricRecord", [], "\x0a\x03\x0a\x01a"),
    "no value of a known type",
  ],
  [
    "a ConfigRecord with a key twice",
    (o) => o.add("ConfigRecord", [], "\x0a\x07\x0a\x01a\x12\x02\x20\x01".repeat(2)),
    "twice",
  ],
];

const arrays: readonly Case[] = [
  ["a MetricRecord as array", (o) => o.add("MetricRecord", [], ""), "an Array belongs"],
  ["an Array with an index of no child", (o) => o.array([o.chunk()], [0, 1]), "does not name"],
  ["an Array with a negative index", (o) => o.array([o.chunk()], [-1]), "does not name"],
  [
    "an Array that does not use a chunk",
    (o) => o.array([o.chunk(), o.chunk("d")], [0]),
    "does not name",
  ],
  [
    "an Array of Arrays",
    (o) => o.array([o.array([o.chunk()], [0])], [0]),
    "an ArrayChunk belongs",
  ],
  [
    "an ArrayChunk with children",
    (o) => o.array([o.add("ArrayChunk", [o.chunk()], "")], [0]),
    "has children",
  ],
  [
    "an Array that asks for far more memory than its chunks have",
    (o) => o.array([o.chunk("x".repeat(100_000))], Array(100_000).fill(0)),
    "more array data",
  ],
  [
    "an Array with a negative axis",
    (o) => o.add("Array", [], '{"dtype": "", "shape": [-1], "stype": "", "arraychunk_ids": []}'),
    "shape",
  ],
];

/** The object that make adds, as the only entry of an object of this type. */
function inside(type: ObjectType, cases: readonly Case[]): readonly Case[] {
  return cases.map(([what, make, why]) => [what, (o) => {
    const child = make(o);
    return o.add(type, [child], `{"a": "${child}"}`);
  }, why]);
}

const inRecordDict = [...records, ...inside("ArrayRecord", arrays)];
const inMessage: readonly Case[] = [...contents, ...inside("RecordDict", inRecordDict)];
const malformed: readonly Case[] = [
  ...messages,
  ...inMessage.map(([what, make, why]): Case => [what, (o) => o.message([make(o)]), why]),
];

for (const [what, make, why] of malformed) {
  Deno.test(`inflateMessage() refuses ${what}`, () => {
    const objects = new Objects();
    const root = make(objects);
    assertThrows(() => inflateMessage(root, objects.contents), RecordError, why);
  });
}

Deno.test("inflateMessage() accepts what the malformed cases are made from", () => {
  const objects = new Objects();
  const array = objects.array([objects.chunk(), objects.chunk("d")], [1, 0, 1]);
  const record = objects.add("ArrayRecord", [array], `{"a": "${array}"}`);
  const recordDict = objects.add("RecordDict", [record], `{"r": "${record}"}`);
  const { content } = inflateMessage(objects.message([recordDict]), objects.contents);
  const data = content?.arrayRecords().get("r")?.get("a")?.data;
  assertEquals(new TextDecoder().decode(data), "dabcd");
});
