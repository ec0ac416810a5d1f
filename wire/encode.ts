/**
 * Messages as bytes, where protobuf-es would copy a large field three times on the way.
 *
 * @module
 */

import {
  create,
  type DescField,
  type DescMessage,
  type MessageInitShape,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { concatBytes } from "../keys/bytes.ts";

/** Below this, protobuf-es is as quick. */
const LARGE_BYTES = 64 * 1024;

type Bytes = Uint8Array<ArrayBuffer>;

/** A message's bytes. */
export function encode<Desc extends DescMessage>(
  schema: Desc,
  init: MessageInitShape<Desc>,
): Bytes {
  const [bytes, ...rest] = encodeParts(schema, init);
  return rest.length === 0 ? bytes : concatBytes(bytes, ...rest);
}

/**
 * A message's bytes in parts that follow each other. Large contents are parts as they are, after all
 * else: readers take fields in any order (protobuf encoding, "Field Order").
 */
export function encodeParts<Desc extends DescMessage>(
  schema: Desc,
  init: MessageInitShape<Desc>,
): [Bytes, ...Uint8Array[]] {
  const message = create(schema, init);
  const large = schema.fields.flatMap((field) => {
    const content: unknown = isPlainBytes(field) && Reflect.get(message, field.localName);
    const isLarge = content instanceof Uint8Array && content.length >= LARGE_BYTES;
    return isLarge ? [{ field, content }] : [];
  });
  if (large.length === 0) return [toBinary(schema, message)];
  const rest = Object.assign(create(schema), message);
  for (const { field } of large) Reflect.set(rest, field.localName, new Uint8Array());
  return [
    toBinary(schema, rest),
    ...large.flatMap(({ field, content }) => [
      new BinaryWriter().tag(field.number, WireType.LengthDelimited).uint32(content.length)
        .finish(),
      content,
    ]),
  ];
}

function isPlainBytes(field: DescField): boolean {
  return field.fieldKind === "scalar" && field.scalar === ScalarType.BYTES && !field.oneof;
}
