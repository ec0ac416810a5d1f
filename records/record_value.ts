import { create } from "@bufbuild/protobuf";
import {
  BoolListSchema,
  BytesListSchema,
  type ConfigRecordValue,
  DoubleListSchema,
  type MetricRecordValue,
  SintListSchema,
  StringListSchema,
  UintListSchema,
} from "../proto/gen/flwr/proto/recorddict_pb.ts";
import { RecordError } from "./record_error.ts";

/** A metric: `bigint` is Python's int, `number` is its float. Lists are of one of the two. */
export type MetricValue = bigint | number | readonly bigint[] | readonly number[];

/** A config entry: as a metric, and also bool, str, bytes and lists of one of them. */
export type ConfigValue =
  | MetricValue
  | boolean
  | string
  | Uint8Array
  | readonly boolean[]
  | readonly string[]
  | readonly Uint8Array[];

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

type Guard<T> = (value: unknown) => value is T;

const isBigint: Guard<bigint> = (value) => typeof value === "bigint";
const isNumber: Guard<number> = (value) => typeof value === "number";
const isBoolean: Guard<boolean> = (value) => typeof value === "boolean";
const isString: Guard<string> = (value) => typeof value === "string";
const isBytes: Guard<Uint8Array> = (value) => value instanceof Uint8Array;

function isListOf<T>(value: unknown, isItem: Guard<T>): value is readonly T[] {
  return Array.isArray(value) && value.every(isItem);
}

/** Whether an integer needs protobuf's uint64 because int64 ends before it. */
export function needsUint64(value: bigint): boolean {
  return value > INT64_MAX;
}

/** Whether protobuf can carry an integer: from -2^63 to 2^64 - 1. */
export function isRepresentable(value: bigint): boolean {
  return INT64_MIN <= value && value <= UINT64_MAX;
}

/**
 * The value as a record keeps it: lists are copied and frozen, bytes are kept as they are.
 *
 * @throws {RecordError} when it is of a type that a MetricRecord cannot hold, a list of mixed types,
 * or an integer that protobuf cannot carry.
 */
export function acceptMetric(key: string, value: MetricValue): MetricValue {
  if (isNumber(value)) return value;
  if (isBigint(value)) {
    checkIntegers(key, [value]);
    return value;
  }
  if (isListOf(value, isNumber)) return Object.freeze([...value]);
  if (isListOf(value, isBigint)) {
    checkIntegers(key, value);
    return Object.freeze([...value]);
  }
  throw new RecordError(
    `The metric '${key}' is neither a number (float), a bigint (int) nor a list of one of them.`,
  );
}

/** As {@link acceptMetric}, for a ConfigRecord. */
export function acceptConfig(key: string, value: ConfigValue): ConfigValue {
  if (isBoolean(value) || isBytes(value)) return value;
  if (isString(value)) {
    checkText(key, [value]);
    return value;
  }
  if (isListOf(value, isBoolean)) return Object.freeze([...value]);
  if (isListOf(value, isBytes)) return Object.freeze([...value]);
  if (isListOf(value, isString)) {
    checkText(key, value);
    return Object.freeze([...value]);
  }
  if (
    isNumber(value) || isBigint(value) || isListOf(value, isNumber) || isListOf(value, isBigint)
  ) {
    return acceptMetric(key, value);
  }
  throw new RecordError(
    `The config entry '${key}' is neither a boolean, number (float), bigint (int), string, ` +
      "Uint8Array (bytes) nor a list of one of them.",
  );
}

function checkIntegers(key: string, integers: readonly bigint[]): void {
  // One item past int64 makes the whole list unsigned.
  const unsigned = integers.some(needsUint64);
  const good = integers.every((value) => isRepresentable(value) && !(unsigned && value < 0n));
  if (!good) throw new RecordError(`The value of '${key}' does not fit int64 or uint64.`);
}

function checkText(key: string, texts: readonly string[]): void {
  if (!texts.every((text) => text.isWellFormed())) {
    throw new RecordError(`The value of '${key}' is not well-formed Unicode.`);
  }
}

/** A metric as protobuf's oneof, chosen as Flower does: an empty list is a list of doubles. */
export function metricToProto(value: MetricValue): MetricRecordValue["value"] {
  if (isNumber(value)) return { case: "double", value };
  if (isBigint(value)) return { case: needsUint64(value) ? "uint64" : "sint64", value };
  if (isListOf(value, isNumber)) {
    return { case: "doubleList", value: create(DoubleListSchema, { vals: [...value] }) };
  }
  if (value.some(needsUint64)) {
    return { case: "uintList", value: create(UintListSchema, { vals: [...value] }) };
  }
  return { case: "sintList", value: create(SintListSchema, { vals: [...value] }) };
}

/** A config entry as protobuf's oneof, chosen as Flower does: an empty list is a list of bools. */
export function configToProto(value: ConfigValue): ConfigRecordValue["value"] {
  if (isBoolean(value)) return { case: "bool", value };
  if (isString(value)) return { case: "string", value };
  if (isBytes(value)) return { case: "bytes", value };
  if (isListOf(value, isBoolean)) {
    return { case: "boolList", value: create(BoolListSchema, { vals: [...value] }) };
  }
  if (isListOf(value, isString)) {
    return { case: "stringList", value: create(StringListSchema, { vals: [...value] }) };
  }
  if (isListOf(value, isBytes)) {
    return { case: "bytesList", value: create(BytesListSchema, { vals: [...value] }) };
  }
  return metricToProto(value);
}

/**
 * A metric from protobuf's oneof.
 *
 * @throws {RecordError} when none of the known fields is set.
 */
export function metricFromProto(key: string, proto: MetricRecordValue | undefined): MetricValue {
  return unpack(key, proto?.value);
}

/** As {@link metricFromProto}, for a ConfigRecord. */
export function configFromProto(key: string, proto: ConfigRecordValue | undefined): ConfigValue {
  const oneof = proto?.value;
  switch (oneof?.case) {
    case "bool":
    case "string":
    case "bytes":
      return oneof.value;
    case "boolList":
    case "stringList":
    case "bytesList":
      return oneof.value.vals;
    default:
      return unpack(key, oneof);
  }
}

function unpack(key: string, oneof: MetricRecordValue["value"] | undefined): MetricValue {
  switch (oneof?.case) {
    case "double":
    case "sint64":
    case "uint64":
      return oneof.value;
    case "doubleList":
    case "sintList":
    case "uintList":
      return oneof.value.vals;
    default:
      throw new RecordError(`The record's entry '${key}' has no value of a known type.`);
  }
}
