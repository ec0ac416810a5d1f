import { create } from "@bufbuild/protobuf";
import {
  type ConfigRecord as ConfigRecordProto,
  ConfigRecordSchema,
} from "../proto/gen/flwr/proto/recorddict_pb.ts";
import { OrderedRecord, type RecordEntries } from "./ordered_record.ts";
import { acceptConfig, configFromProto, configToProto, type ConfigValue } from "./record_value.ts";

/**
 * Flower's ConfigRecord: names to settings. `bigint` is Python's int and `number` its float; the two
 * are different on the wire, so write `{ "server-round": 1n, "lr": 0.1 }`.
 */
export class ConfigRecord extends OrderedRecord<ConfigValue> {
  /** @throws {RecordError} when a value is none that a ConfigRecord can hold. */
  constructor(entries: RecordEntries<ConfigValue> = {}) {
    super(entries, acceptConfig);
  }

  /** @throws {RecordError} when a key comes twice or an entry has no value of a known type. */
  static fromProto(proto: ConfigRecordProto): ConfigRecord {
    return new ConfigRecord(
      proto.items.map(({ key, value }) => [key, configFromProto(key, value)] as const),
    );
  }

  /** The record as protobuf, its entries in order. */
  toProto(): ConfigRecordProto {
    return create(ConfigRecordSchema, {
      items: Array.from(this, ([key, value]) => ({ key, value: { value: configToProto(value) } })),
    });
  }
}
