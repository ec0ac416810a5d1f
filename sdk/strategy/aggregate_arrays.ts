import { FlowerArray } from "../../records/array.ts";
import { ArrayRecord } from "../../records/array_record.ts";
import type { NdArray, TypedArrayOf } from "../../records/ndarray.ts";
import { InconsistentRepliesError } from "./inconsistent_replies.ts";

/** Elements that become 64-bit floats when they are weighted. */
type Numbers =
  | TypedArrayOf["float64"]
  | TypedArrayOf["int8"]
  | TypedArrayOf["int16"]
  | TypedArrayOf["int32"]
  | TypedArrayOf["uint8"]
  | TypedArrayOf["uint16"]
  | TypedArrayOf["uint32"];

/**
 * The weighted mean of each array, factor by factor in the order of the records, computed as NumPy
 * does for Flower 1.25: a float array times a Python float keeps its dtype, and each product and each
 * sum is rounded to it; bools and ints become float64.
 *
 * @param factors one a record, for example its share of all examples.
 * @throws {InconsistentRepliesError} when arrays of one name differ in dtype or shape.
 */
export function aggregateArrays(
  records: readonly ArrayRecord[],
  factors: readonly number[],
): ArrayRecord {
  const sums = new Map<string, NdArray>();
  records.forEach((record, index) => {
    const factor = factors[index] ?? 0;
    for (const [key, array] of record) {
      const value = array.toNdArray();
      const sum = sums.get(key);
      if (sum === undefined) sums.set(key, scaled(value, factor));
      else addScaled(key, sum, value, factor);
    }
  });
  return new ArrayRecord(
    Array.from(sums, ([key, sum]) => [key, FlowerArray.fromNdArray(sum)] as const),
  );
}

/** An array times a factor, in a new array. */
function scaled(array: NdArray, factor: number): NdArray {
  const { dtype, shape, data } = array;
  switch (dtype) {
    case "float16": {
      const half = Math.f16round(factor);
      // The product of two halves is exact in a double, and is rounded when it is stored.
      return { dtype, shape, data: data.map((element) => element * half) };
    }
    case "float32": {
      const single = Math.fround(factor);
      return { dtype, shape, data: data.map((element) => element * single) };
    }
    case "int64":
    case "uint64":
      return {
        dtype: "float64",
        shape,
        data: Float64Array.from(data, (element) => Number(element) * factor),
      };
    default:
      return {
        dtype: "float64",
        shape,
        data: Float64Array.from(data, (element) => element * factor),
      };
  }
}

/** Adds an array times a factor to a sum that {@linkcode scaled} began. */
function addScaled(key: string, sum: NdArray, array: NdArray, factor: number): void {
  const expected = array.dtype === "float16" || array.dtype === "float32" ? array.dtype : "float64";
  if (sum.dtype !== expected || String(sum.shape) !== String(array.shape)) {
    throw new InconsistentRepliesError(
      `The array '${key}' is ${describe(sum)} in one reply and ${describe(array)} in another.`,
    );
  }
  if (sum.dtype === "float16" && array.dtype === "float16") {
    addHalves(sum.data, array.data, Math.f16round(factor));
  } else if (sum.dtype === "float32" && array.dtype === "float32") {
    addSingles(sum.data, array.data, Math.fround(factor));
  } else if (sum.dtype === "float64" && array.dtype !== "float16" && array.dtype !== "float32") {
    const isBig = array.dtype === "int64" || array.dtype === "uint64";
    addDoubles(sum.data, isBig ? Float64Array.from(array.data, Number) : array.data, factor);
  }
}

// One loop for each kind, so that each sees one kind of typed array only and stays fast. Bounds are
// those of both arrays, so `?? 0` never applies.

function addHalves(sum: Float16Array, elements: Float16Array, factor: number): void {
  for (let i = 0; i < sum.length; i++) {
    sum[i] = Math.fround((sum[i] ?? 0) + Math.f16round((elements[i] ?? 0) * factor));
  }
}

function addSingles(sum: Float32Array, elements: Float32Array, factor: number): void {
  for (let i = 0; i < sum.length; i++) {
    sum[i] = (sum[i] ?? 0) + Math.fround((elements[i] ?? 0) * factor);
  }
}

function addDoubles(sum: Float64Array, elements: Numbers, factor: number): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (elements[i] ?? 0) * factor;
}

function describe({ dtype, shape }: NdArray): string {
  return `${dtype} of shape (${shape.join(", ")})`;
}
