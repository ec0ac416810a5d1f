import { create } from "@bufbuild/protobuf";
import { type Array as ArrayProto, ArraySchema } from "../proto/gen/flwr/proto/recorddict_pb.ts";
import type { NdArray } from "./ndarray.ts";
import { decodeNpy, encodeNpy } from "./npy.ts";
import { RecordError } from "./record_error.ts";

/** The only serialization that Flower itself makes: `data` is a whole `.npy` file. */
export const NUMPY_STYPE = "numpy.ndarray";

const INT32_MAX = 2 ** 31 - 1;

/**
 * Flower's `Array` (named apart from JavaScript's): a serialized array with its dtype and shape.
 * Other serializations than NumPy's are carried, not read.
 */
export class FlowerArray {
  /** NumPy's name of the dtype, such as `float32`. Arrays of Flower's legacy API leave it empty. */
  readonly dtype: string;
  /** The length of each axis. Arrays of Flower's legacy API leave it empty. */
  readonly shape: readonly number[];
  /** How `data` is serialized. */
  readonly stype: string;
  /** The serialized bytes. They are shared, not copied: do not write to them. */
  readonly data: Uint8Array;

  /** @throws {RecordError} when an axis is no length that protobuf's int32 can carry. */
  constructor(fields: {
    readonly dtype: string;
    readonly shape: readonly number[];
    readonly stype: string;
    readonly data: Uint8Array;
  }) {
    if (!fields.shape.every((axis) => Number.isInteger(axis) && 0 <= axis && axis <= INT32_MAX)) {
      throw new RecordError(`The shape [${fields.shape.join(", ")}] is not one of an Array.`);
    }
    if (!fields.dtype.isWellFormed() || !fields.stype.isWellFormed()) {
      throw new RecordError("An Array's dtype or stype is not well-formed Unicode.");
    }
    this.dtype = fields.dtype;
    this.shape = Object.freeze([...fields.shape]);
    this.stype = fields.stype;
    this.data = fields.data;
  }

  /**
   * Serializes an array as Flower does, in an `.npy` file.
   *
   * @throws {RecordError} when its shape does not have as many elements as its data.
   */
  static fromNdArray(array: NdArray): FlowerArray {
    return new FlowerArray({
      dtype: array.dtype,
      shape: array.shape,
      stype: NUMPY_STYPE,
      data: encodeNpy(array),
    });
  }

  /** @throws {RecordError} when the shape has a negative axis. */
  static fromProto(proto: ArrayProto): FlowerArray {
    return new FlowerArray(proto);
  }

  /**
   * The elements. As in Flower, the `.npy` header says what they are, and not this array's own dtype
   * and shape. They may share memory with this array's bytes: to change them, work on a copy.
   *
   * @throws {RecordError} when the serialization is not NumPy's or the `.npy` file is malformed.
   */
  toNdArray(): NdArray {
    if (this.stype !== NUMPY_STYPE) {
      throw new RecordError(
        `An Array of the stype '${this.stype}' cannot be read, only '${NUMPY_STYPE}'.`,
      );
    }
    return decodeNpy(this.data);
  }

  /** The array as protobuf, which shares its bytes. */
  toProto(): ArrayProto {
    return create(ArraySchema, {
      dtype: this.dtype,
      shape: [...this.shape],
      stype: this.stype,
      data: this.data,
    });
  }
}
