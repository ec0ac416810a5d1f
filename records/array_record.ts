import { create } from "@bufbuild/protobuf";
import {
  type ArrayRecord as ArrayRecordProto,
  ArrayRecordSchema,
} from "../proto/gen/flwr/proto/recorddict_pb.ts";
import { FlowerArray } from "./array.ts";
import type { NdArray } from "./ndarray.ts";
import { OrderedRecord, type RecordEntries } from "./ordered_record.ts";
import { RecordError } from "./record_error.ts";

/** Flower's ArrayRecord: names to arrays, usually the parameters of a model. */
export class ArrayRecord extends OrderedRecord<FlowerArray> {
  constructor(entries: RecordEntries<FlowerArray> = {}) {
    super(entries, (_key, array) => array);
  }

  /**
   * Serializes arrays under names, in order.
   *
   * @throws {RecordError} when a shape does not have as many elements as its data.
   */
  static fromNdArrays(arrays: Iterable<readonly [string, NdArray]>): ArrayRecord {
    return new ArrayRecord(
      Array.from(arrays, ([key, array]) => [key, FlowerArray.fromNdArray(array)] as const),
    );
  }

  /** @throws {RecordError} when a key comes twice or an entry has no array. */
  static fromProto(proto: ArrayRecordProto): ArrayRecord {
    return new ArrayRecord(
      proto.items.map(({ key, value }) => {
        if (value === undefined) throw new RecordError(`The record's entry '${key}' has no array.`);
        return [key, FlowerArray.fromProto(value)] as const;
      }),
    );
  }

  /** The record as protobuf, its arrays inline and in order. */
  toProto(): ArrayRecordProto {
    return create(ArrayRecordSchema, {
      items: Array.from(this, ([key, array]) => ({ key, value: array.toProto() })),
    });
  }
}
