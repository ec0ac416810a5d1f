import { isObjectId } from "./object_id.ts";
import { RecordError } from "./record_error.ts";

/** The seven kinds of objects that Flower 1.23 to 1.42 knows. */
export const OBJECT_TYPES = [
  "ArrayChunk",
  "Array",
  "ArrayRecord",
  "ConfigRecord",
  "MetricRecord",
  "RecordDict",
  "Message",
] as const;

/** One of the seven kinds of objects. */
export type ObjectType = typeof OBJECT_TYPES[number];

/** Most children that a head may name, and most nodes that an object tree may have. */
export const MAX_OBJECTS = 1_000_000;

/** A content taken apart. `body` is a view of the content, not a copy. */
export interface ParsedObject {
  readonly type: ObjectType;
  /** Distinct ids, in head order. */
  readonly children: readonly string[];
  readonly body: Uint8Array;
}

// "ConfigRecord ", the ids with their commas, " <length>".
const MAX_HEAD_BYTES = 64 + 65 * MAX_OBJECTS;
const BODY_LENGTH = /^(?:0|[1-9][0-9]{0,15})$/;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function objectType(text: string): ObjectType | undefined {
  return OBJECT_TYPES.find((type) => type === text);
}

/**
 * The head of an object with its closing zero byte, as Flower 1.25 writes it:
 * `<Type> <child-id>,<child-id>,... <body length in bytes>`. Without children two spaces are left in
 * a row.
 */
export function encodeHead(
  type: ObjectType,
  children: readonly string[],
  bodySizeBytes: number,
): Uint8Array {
  return encoder.encode(`${type} ${children.join(",")} ${bodySizeBytes}\0`);
}

/**
 * Takes an object's content apart: head, zero byte, body.
 *
 * @throws {RecordError} with the reason, unless the head has exactly three fields, a known type,
 * distinct well-formed child ids and the length of the body that follows.
 */
export function parseObject(content: Uint8Array): ParsedObject {
  const headBytes = content.subarray(0, MAX_HEAD_BYTES).indexOf(0);
  if (headBytes === -1) {
    throw new RecordError("No zero byte divides the object's head from its body.");
  }
  const fields = decodeHead(content.subarray(0, headBytes)).split(" ");
  const [typeField, childrenField, lengthField] = fields;
  if (
    fields.length !== 3 || typeField === undefined || childrenField === undefined ||
    lengthField === undefined
  ) {
    throw new RecordError("The object's head does not have exactly three fields.");
  }
  const type = objectType(typeField);
  if (type === undefined) {
    throw new RecordError(`Objects of type '${typeField.slice(0, 64)}' are not supported.`);
  }
  const children = parseChildren(childrenField);
  const body = content.subarray(headBytes + 1);
  if (!BODY_LENGTH.test(lengthField) || Number(lengthField) !== body.length) {
    throw new RecordError(
      `The head says '${lengthField.slice(0, 64)}' bytes of body, there are ${body.length}.`,
    );
  }
  return { type, children, body };
}

function decodeHead(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new RecordError("The object's head is not UTF-8 text.");
  }
}

function parseChildren(field: string): readonly string[] {
  if (field === "") return [];
  const children = field.split(",");
  for (const child of children) {
    if (!isObjectId(child)) {
      throw new RecordError(`The child id '${child.slice(0, 80)}' is not an object id.`);
    }
  }
  if (new Set(children).size !== children.length) {
    throw new RecordError("The object's head names a child twice.");
  }
  return children;
}
