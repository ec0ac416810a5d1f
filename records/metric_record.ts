import { create } from "@bufbuild/protobuf";
import {
  type MetricRecord as MetricRecordProto,
  MetricRecordSchema,
} from "../proto/gen/flwr/proto/recorddict_pb.ts";
import { OrderedRecord, type RecordEntries } from "./ordered_record.ts";
import { acceptMetric, metricFromProto, metricToProto, type MetricValue } from "./record_value.ts";

/**
 * Flower's MetricRecord: names to numbers. `bigint` is Python's int and `number` its float; the two
 * are different on the wire, so write `{ "num-examples": 10n, "loss": 0.5 }`.
 */
export class MetricRecord extends OrderedRecord<MetricValue> {
  /** @throws {RecordError} when a value is none that a MetricRecord can hold. */
  constructor(entries: RecordEntries<MetricValue> = {}) {
    super(entries, acceptMetric);
  }

  /** @throws {RecordError} when a key comes twice or an entry has no value of a known type. */
  static fromProto(proto: MetricRecordProto): MetricRecord {
    return new MetricRecord(
      proto.items.map(({ key, value }) => [key, metricFromProto(key, value)] as const),
    );
  }

  /** The record as protobuf, its entries in order. */
  toProto(): MetricRecordProto {
    return create(MetricRecordSchema, {
      items: Array.from(this, ([key, value]) => ({ key, value: { value: metricToProto(value) } })),
    });
  }
}
