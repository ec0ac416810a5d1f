import type { DType, NdArray } from "./ndarray.ts";

/** How the elements of one dtype lie in an `.npy` file. */
export interface DTypeLayout {
  readonly dtype: DType;
  /** NumPy's descr: byte order, kind, item size. */
  readonly descr: string;
  readonly itemSizeBytes: number;
  /** An array over `count` elements that lie in `buffer`; `offset` is a multiple of the item size. */
  readonly view: (
    buffer: ArrayBufferLike,
    offset: number,
    count: number,
    shape: readonly number[],
  ) => NdArray;
}

// Typed arrays have the byte order of the machine; Deno runs on little-endian ones only.
const LAYOUTS: readonly DTypeLayout[] = [
  {
    dtype: "float32",
    descr: "<f4",
    itemSizeBytes: 4,
    view: (b, o, n, shape) => ({ dtype: "float32", shape, data: new Float32Array(b, o, n) }),
  },
  {
    dtype: "float64",
    descr: "<f8",
    itemSizeBytes: 8,
    view: (b, o, n, shape) => ({ dtype: "float64", shape, data: new Float64Array(b, o, n) }),
  },
  {
    dtype: "float16",
    descr: "<f2",
    itemSizeBytes: 2,
    view: (b, o, n, shape) => ({ dtype: "float16", shape, data: new Float16Array(b, o, n) }),
  },
  {
    dtype: "int64",
    descr: "<i8",
    itemSizeBytes: 8,
    view: (b, o, n, shape) => ({ dtype: "int64", shape, data: new BigInt64Array(b, o, n) }),
  },
  {
    dtype: "int32",
    descr: "<i4",
    itemSizeBytes: 4,
    view: (b, o, n, shape) => ({ dtype: "int32", shape, data: new Int32Array(b, o, n) }),
  },
  {
    dtype: "int16",
    descr: "<i2",
    itemSizeBytes: 2,
    view: (b, o, n, shape) => ({ dtype: "int16", shape, data: new Int16Array(b, o, n) }),
  },
  {
    dtype: "int8",
    descr: "|i1",
    itemSizeBytes: 1,
    view: (b, o, n, shape) => ({ dtype: "int8", shape, data: new Int8Array(b, o, n) }),
  },
  {
    dtype: "uint8",
    descr: "|u1",
    itemSizeBytes: 1,
    view: (b, o, n, shape) => ({ dtype: "uint8", shape, data: new Uint8Array(b, o, n) }),
  },
  {
    dtype: "uint16",
    descr: "<u2",
    itemSizeBytes: 2,
    view: (b, o, n, shape) => ({ dtype: "uint16", shape, data: new Uint16Array(b, o, n) }),
  },
  {
    dtype: "uint32",
    descr: "<u4",
    itemSizeBytes: 4,
    view: (b, o, n, shape) => ({ dtype: "uint32", shape, data: new Uint32Array(b, o, n) }),
  },
  {
    dtype: "uint64",
    descr: "<u8",
    itemSizeBytes: 8,
    view: (b, o, n, shape) => ({ dtype: "uint64", shape, data: new BigUint64Array(b, o, n) }),
  },
  {
    dtype: "bool",
    descr: "|b1",
    itemSizeBytes: 1,
    view: (b, o, n, shape) => ({ dtype: "bool", shape, data: new Uint8Array(b, o, n) }),
  },
];

const BY_DTYPE = new Map(LAYOUTS.map((layout) => [layout.dtype, layout]));
const BY_DESCR = new Map(LAYOUTS.map((layout) => [layout.descr, layout]));

/** The layout in which a dtype is written. */
export function layoutOf(dtype: DType): DTypeLayout {
  const layout = BY_DTYPE.get(dtype);
  if (layout === undefined) throw new TypeError(`The dtype '${dtype}' is not supported.`);
  return layout;
}

/**
 * The layout that an `.npy` header's descr names, and whether its items have to be turned round
 * (NumPy writes `>` for big-endian arrays). `undefined` for a descr that is not supported.
 */
export function parseDescr(descr: string): { layout: DTypeLayout; bigEndian: boolean } | undefined {
  const layout = BY_DESCR.get(descr);
  if (layout !== undefined) return { layout, bigEndian: false };
  const swapped = descr.startsWith(">") ? BY_DESCR.get(`<${descr.slice(1)}`) : undefined;
  return swapped && { layout: swapped, bigEndian: true };
}
