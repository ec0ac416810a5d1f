import { toBinary } from "@bufbuild/protobuf";
import { MessageSchema, type ObjectTree } from "../proto/gen/flwr/proto/message_pb.ts";
import { ConfigRecordSchema, MetricRecordSchema } from "../proto/gen/flwr/proto/recorddict_pb.ts";
import type { FlowerArray } from "./array.ts";
import { encodeArrayBody } from "./array_body.ts";
import { ArrayRecord } from "./array_record.ts";
import { hashedMessage, type Message } from "./message.ts";
import { MetricRecord } from "./metric_record.ts";
import { encodeHead, type ObjectType } from "./object_head.ts";
import { objectIdOf } from "./object_id.ts";
import { buildTree } from "./object_tree.ts";
import { encodeStringObject } from "./python_json.ts";
import type { FlowerRecord, RecordDict } from "./record_dict.ts";

/** Array data is cut into chunks of this size, as Flower 1.25 cuts it. */
export const MAX_CHUNK_BYTES = 5_242_880;

/** One object, ready to be pushed. */
export interface DeflatedObject {
  readonly objectId: string;
  readonly type: ObjectType;
  /** Direct children, in head order. */
  readonly children: readonly string[];
  readonly sizeBytes: number;
  /** Head and body in one piece. Made anew by each call, so that array data is copied only then. */
  content(): Uint8Array;
}

/** A message or record cut into objects. */
export interface Deflated {
  /** The root's object id; that of a message is the message id. */
  readonly objectId: string;
  /** Each object once, children before their parents: the order in which to push them. */
  readonly objects: readonly DeflatedObject[];
  /** The tree of ids that is sent with a message. */
  readonly tree: ObjectTree;
}

interface Node {
  readonly object: DeflatedObject;
  readonly children: readonly Node[];
}

const encoder = new TextEncoder();
// Records and arrays never change, so those that many messages share are hashed once.
const known = new WeakMap<FlowerArray | FlowerRecord | RecordDict, Node>();

function remember<T extends FlowerArray | FlowerRecord | RecordDict>(
  value: T,
  make: (value: T) => Node,
): Node {
  let node = known.get(value);
  if (node === undefined) {
    node = make(value);
    known.set(value, node);
  }
  return node;
}

function makeNode(type: ObjectType, body: Uint8Array, children: readonly Node[] = []): Node {
  const distinct = [...new Map(children.map((child) => [child.object.objectId, child])).values()];
  const childIds = distinct.map((child) => child.object.objectId);
  const head = encodeHead(type, childIds, body.length);
  const object: DeflatedObject = {
    objectId: objectIdOf(head, body),
    type,
    children: childIds,
    sizeBytes: head.length + body.length,
    content() {
      const content = new Uint8Array(head.length + body.length);
      content.set(head);
      content.set(body, head.length);
      return content;
    },
  };
  return { object, children: distinct };
}

function arrayNode(array: FlowerArray): Node {
  const chunks: Node[] = [];
  for (let start = 0; start < array.data.length; start += MAX_CHUNK_BYTES) {
    chunks.push(makeNode("ArrayChunk", array.data.subarray(start, start + MAX_CHUNK_BYTES)));
  }
  const indexes = new Map<string, number>();
  const chunkIndexes = chunks.map(({ object: { objectId } }) => {
    const index = indexes.get(objectId) ?? indexes.size;
    indexes.set(objectId, index);
    return index;
  });
  const { dtype, shape, stype } = array;
  const body = encodeArrayBody({ dtype, shape, stype, chunkIndexes });
  return makeNode("Array", encoder.encode(body), chunks);
}

function recordNode(record: FlowerRecord): Node {
  if (record instanceof ArrayRecord) {
    return namesNode(
      "ArrayRecord",
      Array.from(record, ([name, array]) => [name, remember(array, arrayNode)] as const),
    );
  }
  return record instanceof MetricRecord
    ? makeNode("MetricRecord", toBinary(MetricRecordSchema, record.toProto()))
    : makeNode("ConfigRecord", toBinary(ConfigRecordSchema, record.toProto()));
}

function recordDictNode(records: RecordDict): Node {
  return namesNode(
    "RecordDict",
    Array.from(records, ([name, record]) => [name, remember(record, recordNode)] as const),
  );
}

function namesNode(type: ObjectType, named: readonly (readonly [string, Node])[]): Node {
  const body = encodeStringObject(named.map(([name, { object }]) => [name, object.objectId]));
  return makeNode(type, encoder.encode(body), named.map(([, node]) => node));
}

function finish(root: Node): Deflated {
  const objects = new Map<string, DeflatedObject>();
  const visit = (node: Node): void => {
    if (objects.has(node.object.objectId)) return;
    node.children.forEach(visit);
    objects.set(node.object.objectId, node.object);
  };
  visit(root);
  const { objectId } = root.object;
  return {
    objectId,
    objects: [...objects.values()],
    tree: buildTree(objectId, (id) => objects.get(id)?.children ?? []),
  };
}

/** Cuts a message into objects. Its id is `objectId`; whatever id its metadata holds is left out. */
export function deflateMessage(message: Message): Deflated {
  const body = toBinary(MessageSchema, hashedMessage(message));
  const children = message.error === undefined ? [remember(message.content, recordDictNode)] : [];
  return finish(makeNode("Message", body, children));
}

/** Cuts the records of a RecordDict into objects. */
export function deflateRecordDict(records: RecordDict): Deflated {
  return finish(remember(records, recordDictNode));
}

/** Cuts one record into objects. */
export function deflateRecord(record: FlowerRecord): Deflated {
  return finish(remember(record, recordNode));
}

/** Cuts an array into objects. */
export function deflateArray(array: FlowerArray): Deflated {
  return finish(remember(array, arrayNode));
}
