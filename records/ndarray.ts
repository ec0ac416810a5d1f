import { RecordError } from "./record_error.ts";

/** The typed array that holds the elements of each dtype; NumPy's names of the dtypes. */
export interface TypedArrayOf {
  /** One byte an element, 0 or 1. */
  readonly bool: Uint8Array;
  readonly int8: Int8Array;
  readonly int16: Int16Array;
  readonly int32: Int32Array;
  readonly int64: BigInt64Array;
  readonly uint8: Uint8Array;
  readonly uint16: Uint16Array;
  readonly uint32: Uint32Array;
  readonly uint64: BigUint64Array;
  readonly float16: Float16Array;
  readonly float32: Float32Array;
  readonly float64: Float64Array;
}

/** A dtype that can be read and written. */
export type DType = keyof TypedArrayOf;

/**
 * An n-dimensional array: its elements in C order (the last axis varies fastest). A scalar has the
 * shape `[]` and one element. Checking `dtype` tells which typed array `data` is.
 */
export type NdArray = {
  readonly [D in DType]: {
    readonly dtype: D;
    readonly shape: readonly number[];
    readonly data: TypedArrayOf[D];
  };
}[DType];

// NumPy's own limit on the number of axes.
const MAX_AXES = 64;

/**
 * The number of elements of a shape.
 *
 * @throws {RecordError} when an axis is no non-negative integer, when there are more than 64, or when
 * the number is past what a double counts exactly.
 */
export function elementCount(shape: readonly number[]): number {
  if (shape.length > MAX_AXES) {
    throw new RecordError(`A shape has ${shape.length} axes, ${MAX_AXES} is the most.`);
  }
  let count = 1;
  for (const axis of shape) {
    if (!Number.isSafeInteger(axis) || axis < 0) {
      throw new RecordError(`The shape (${shape.join(", ")}) has an axis that is no length.`);
    }
    count *= axis;
  }
  if (!Number.isSafeInteger(count)) {
    throw new RecordError(`The shape (${shape.join(", ")}) has too many elements.`);
  }
  return count;
}

/**
 * An array over the elements of `data`, its dtype told by the kind of typed array (`Uint8Array` is
 * `uint8`; write `{ dtype: "bool", shape, data }` for booleans). Nothing is copied.
 *
 * @param shape one axis over all elements by default.
 * @throws {RecordError} when the shape has another number of elements.
 */
export function ndArray(
  data: TypedArrayOf[DType],
  shape: readonly number[] = [data.length],
): NdArray {
  if (elementCount(shape) !== data.length) {
    throw new RecordError(
      `The shape (${shape.join(", ")}) does not have ${data.length} elements.`,
    );
  }
  if (data instanceof Float32Array) return { dtype: "float32", shape, data };
  if (data instanceof Float64Array) return { dtype: "float64", shape, data };
  if (data instanceof Float16Array) return { dtype: "float16", shape, data };
  if (data instanceof BigInt64Array) return { dtype: "int64", shape, data };
  if (data instanceof Int32Array) return { dtype: "int32", shape, data };
  if (data instanceof Int16Array) return { dtype: "int16", shape, data };
  if (data instanceof Int8Array) return { dtype: "int8", shape, data };
  if (data instanceof BigUint64Array) return { dtype: "uint64", shape, data };
  if (data instanceof Uint32Array) return { dtype: "uint32", shape, data };
  if (data instanceof Uint16Array) return { dtype: "uint16", shape, data };
  return { dtype: "uint8", shape, data };
}
