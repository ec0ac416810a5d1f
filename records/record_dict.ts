import { create } from "@bufbuild/protobuf";
import {
  type RecordDict as RecordDictProto,
  type RecordDict_Item,
  RecordDictSchema,
} from "../proto/gen/flwr/proto/recorddict_pb.ts";
import { ArrayRecord } from "./array_record.ts";
import { ConfigRecord } from "./config_record.ts";
import { MetricRecord } from "./metric_record.ts";
import { OrderedRecord, type RecordEntries } from "./ordered_record.ts";
import { RecordError } from "./record_error.ts";

/** What a RecordDict holds. */
export type FlowerRecord = ArrayRecord | MetricRecord | ConfigRecord;

/** Flower's RecordDict: names to records, the content of a message and the state of a context. */
export class RecordDict extends OrderedRecord<FlowerRecord> {
  constructor(entries: RecordEntries<FlowerRecord> = {}) {
    super(entries, (_key, record) => record);
  }

  /** @throws {RecordError} when a record is malformed or of an unknown kind. */
  static fromProto(proto: RecordDictProto): RecordDict {
    return new RecordDict(proto.items.map((item) => [item.key, fromItem(item)] as const));
  }

  /** The ArrayRecords among the records, in order. */
  arrayRecords(): Map<string, ArrayRecord> {
    return this.#select((record) => record instanceof ArrayRecord);
  }

  /** The MetricRecords among the records, in order. */
  metricRecords(): Map<string, MetricRecord> {
    return this.#select((record) => record instanceof MetricRecord);
  }

  /** The ConfigRecords among the records, in order. */
  configRecords(): Map<string, ConfigRecord> {
    return this.#select((record) => record instanceof ConfigRecord);
  }

  /** The records as protobuf, arrays inline, as contexts carry them. (Messages travel as objects.) */
  toProto(): RecordDictProto {
    return create(RecordDictSchema, {
      items: Array.from(this, ([key, record]) => ({ key, value: toItemValue(record) })),
    });
  }

  #select<R extends FlowerRecord>(is: (record: FlowerRecord) => record is R): Map<string, R> {
    const selected = new Map<string, R>();
    for (const [key, record] of this) {
      if (is(record)) selected.set(key, record);
    }
    return selected;
  }
}

function fromItem({ key, value }: RecordDict_Item): FlowerRecord {
  switch (value.case) {
    case "arrayRecord":
      return ArrayRecord.fromProto(value.value);
    case "metricRecord":
      return MetricRecord.fromProto(value.value);
    case "configRecord":
      return ConfigRecord.fromProto(value.value);
    default:
      throw new RecordError(`The record '${key}' is of an unknown kind.`);
  }
}

function toItemValue(record: FlowerRecord): RecordDict_Item["value"] {
  if (record instanceof ArrayRecord) return { case: "arrayRecord", value: record.toProto() };
  if (record instanceof MetricRecord) return { case: "metricRecord", value: record.toProto() };
  return { case: "configRecord", value: record.toProto() };
}
