import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { MessageSchema } from "../proto/gen/flwr/proto/message_pb.ts";
import { ConfigRecordSchema, MetricRecordSchema } from "../proto/gen/flwr/proto/recorddict_pb.ts";
import { FlowerArray } from "./array.ts";
import { decodeArrayBody } from "./array_body.ts";
import { ArrayRecord } from "./array_record.ts";
import { ConfigRecord } from "./config_record.ts";
import { type Message, messageFromHashed } from "./message.ts";
import { MetricRecord } from "./metric_record.ts";
import { type ParsedObject, parseObject } from "./object_head.ts";
import { objectIdOf } from "./object_id.ts";
import { decodeStringObject } from "./python_json.ts";
import { type FlowerRecord, RecordDict } from "./record_dict.ts";
import { RecordError } from "./record_error.ts";

/** Contents by object id, as they were pulled. Objects that the root does not need are ignored. */
export type ObjectContents = ReadonlyMap<string, Uint8Array>;

/** What a receiver is ready to take. */
export interface InflateOptions {
  /**
   * The most bytes of array data in all, 4 GiB by default. A chunk may stand for many equal slices,
   * so a few small objects can ask for any amount of memory.
   */
  readonly maxArrayDataBytes?: number;
}

const DEFAULT_MAX_ARRAY_DATA_BYTES = 2 ** 32;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Puts a message together from its objects; its metadata gets the root's id as message id.
 *
 * Checked, as Flower 1.25 does and beyond: that each content hashes to its id, that heads are well
 * formed, that the ids in each body are the head's children, and that children have fitting types.
 * Array data that is one chunk shares memory with the chunk's content.
 *
 * @throws {RecordError} when anything is missing or malformed.
 */
export function inflateMessage(
  objectId: string,
  contents: ObjectContents,
  options?: InflateOptions,
): Message {
  return new Inflater(contents, options).message(objectId);
}

/** As {@link inflateMessage}, for the objects of a RecordDict. */
export function inflateRecordDict(
  objectId: string,
  contents: ObjectContents,
  options?: InflateOptions,
): RecordDict {
  return new Inflater(contents, options).recordDict(objectId);
}

/** As {@link inflateMessage}, for the objects of one record. */
export function inflateRecord(
  objectId: string,
  contents: ObjectContents,
  options?: InflateOptions,
): FlowerRecord {
  return new Inflater(contents, options).record(objectId);
}

/** As {@link inflateMessage}, for the objects of an array. */
export function inflateArray(
  objectId: string,
  contents: ObjectContents,
  options?: InflateOptions,
): FlowerArray {
  return new Inflater(contents, options).array(objectId);
}

class Inflater {
  readonly #contents: ObjectContents;
  // Each object is checked and decoded once, however often it is named.
  readonly #objects = new Map<string, ParsedObject>();
  readonly #arrays = new Map<string, FlowerArray>();
  readonly #records = new Map<string, FlowerRecord>();
  #arrayDataBytesLeft: number;

  constructor(contents: ObjectContents, options: InflateOptions = {}) {
    this.#contents = contents;
    this.#arrayDataBytesLeft = options.maxArrayDataBytes ?? DEFAULT_MAX_ARRAY_DATA_BYTES;
  }

  message(objectId: string): Message {
    const { type, children, body } = this.#object(objectId);
    if (type !== "Message") throw unexpected(objectId, type, "a Message");
    const [contentId, ...more] = children;
    if (more.length > 0) {
      throw new RecordError(`The Message '${objectId}' has more than one child.`);
    }
    const content = contentId === undefined ? undefined : this.recordDict(contentId);
    return messageFromHashed(decodeBody(MessageSchema, objectId, body), objectId, content);
  }

  recordDict(objectId: string): RecordDict {
    const object = this.#object(objectId);
    if (object.type !== "RecordDict") throw unexpected(objectId, object.type, "a RecordDict");
    const names = readNames(objectId, object);
    return new RecordDict(names.map(([name, id]) => [name, this.record(id)] as const));
  }

  record(objectId: string): FlowerRecord {
    return remember(this.#records, objectId, () => {
      const object = this.#object(objectId);
      switch (object.type) {
        case "ArrayRecord": {
          const names = readNames(objectId, object);
          return new ArrayRecord(names.map(([name, id]) => [name, this.array(id)] as const));
        }
        case "MetricRecord":
          requireNoChildren(objectId, object);
          return MetricRecord.fromProto(decodeBody(MetricRecordSchema, objectId, object.body));
        case "ConfigRecord":
          requireNoChildren(objectId, object);
          return ConfigRecord.fromProto(decodeBody(ConfigRecordSchema, objectId, object.body));
        default:
          throw unexpected(objectId, object.type, "a record");
      }
    });
  }

  array(objectId: string): FlowerArray {
    return remember(this.#arrays, objectId, () => {
      const { type, children, body } = this.#object(objectId);
      if (type !== "Array") throw unexpected(objectId, type, "an Array");
      const { dtype, shape, stype, chunkIndexes } = decodeArrayBody(decodeText(objectId, body));
      requireSameIds(objectId, new Set(chunkIndexes), new Set(children.keys()));
      const chunks = children.map((child) => this.#chunk(child));
      return new FlowerArray({ dtype, shape, stype, data: this.#join(chunks, chunkIndexes) });
    });
  }

  #chunk(objectId: string): Uint8Array {
    const object = this.#object(objectId);
    if (object.type !== "ArrayChunk") throw unexpected(objectId, object.type, "an ArrayChunk");
    requireNoChildren(objectId, object);
    return object.body;
  }

  #join(chunks: readonly Uint8Array[], indexes: readonly number[]): Uint8Array {
    const slices = indexes.flatMap((index) => chunks[index] ?? []);
    const sizeBytes = slices.reduce((sum, slice) => sum + slice.length, 0);
    this.#arrayDataBytesLeft -= sizeBytes;
    if (this.#arrayDataBytesLeft < 0) {
      throw new RecordError("The message holds more array data than this receiver takes.");
    }
    const [first] = slices;
    if (first !== undefined && slices.length === 1) return first;
    const data = new Uint8Array(sizeBytes);
    let at = 0;
    for (const slice of slices) {
      data.set(slice, at);
      at += slice.length;
    }
    return data;
  }

  #object(objectId: string): ParsedObject {
    return remember(this.#objects, objectId, () => {
      const content = this.#contents.get(objectId);
      if (content === undefined) throw new RecordError(`The object '${objectId}' is missing.`);
      if (objectIdOf(content) !== objectId) {
        throw new RecordError(`The content of the object '${objectId}' does not hash to its id.`);
      }
      return parseObject(content);
    });
  }
}

function remember<T>(cache: Map<string, T>, objectId: string, make: () => T): T {
  const cached = cache.get(objectId);
  if (cached !== undefined) return cached;
  const made = make();
  cache.set(objectId, made);
  return made;
}

/** Reads the body of an object that is names to child ids, and compares these with the head. */
function readNames(objectId: string, object: ParsedObject): readonly (readonly [string, string])[] {
  const names = decodeStringObject(decodeText(objectId, object.body));
  requireSameIds(objectId, new Set(names.values()), new Set(object.children));
  return [...names];
}

function requireSameIds<T>(objectId: string, inBody: Set<T>, inHead: Set<T>): void {
  if (inBody.size !== inHead.size || !inBody.isSubsetOf(inHead)) {
    throw new RecordError(
      `The body of the object '${objectId}' does not name its head's children.`,
    );
  }
}

function requireNoChildren(objectId: string, { type, children }: ParsedObject): void {
  if (children.length > 0) throw new RecordError(`The ${type} '${objectId}' has children.`);
}

function unexpected(objectId: string, type: string, wanted: string): RecordError {
  return new RecordError(`The object '${objectId}' is of type ${type} where ${wanted} belongs.`);
}

function decodeText(objectId: string, body: Uint8Array): string {
  try {
    return decoder.decode(body);
  } catch {
    throw new RecordError(`The body of the object '${objectId}' is not UTF-8 text.`);
  }
}

function decodeBody<D extends DescMessage>(
  schema: D,
  objectId: string,
  body: Uint8Array,
): MessageShape<D> {
  try {
    return fromBinary(schema, body);
  } catch (cause) {
    throw new RecordError(`The body of the object '${objectId}' is not protobuf.`, { cause });
  }
}
