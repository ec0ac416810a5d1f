import { layoutOf, parseDescr } from "./dtype.ts";
import { elementCount, type NdArray } from "./ndarray.ts";
import { encodeNpyHeader, parseNpyHeader } from "./npy_header.ts";
import { RecordError } from "./record_error.ts";

/**
 * An array as an `.npy` file: format 1.0, C order, the same bytes as NumPy 2.4's `np.save`.
 *
 * @throws {RecordError} when the shape does not have as many elements as the data.
 */
export function encodeNpy(array: NdArray): Uint8Array {
  const { descr } = layoutOf(array.dtype);
  if (elementCount(array.shape) !== array.data.length) {
    throw new RecordError(
      `The shape (${array.shape.join(", ")}) does not have ${array.data.length} elements.`,
    );
  }
  const header = encodeNpyHeader(descr, array.shape);
  const { buffer, byteOffset, byteLength } = array.data;
  const file = new Uint8Array(header.length + byteLength);
  file.set(header);
  file.set(new Uint8Array(buffer, byteOffset, byteLength), header.length);
  return file;
}

/**
 * Reads an `.npy` file (format 1.0, either byte order, C or Fortran order) into an array in C order.
 *
 * The elements are not copied where they lie aligned, in C order and little-endian: then `data` is a
 * view of `file`, so write to a copy (`data.slice()`) and not to it. Otherwise they are copied once.
 * Nothing is allocated by what the header claims, only by the bytes that are there.
 *
 * @throws {RecordError} when the header is malformed, the dtype is not one of the twelve, or the file
 * does not have exactly the bytes that the header says.
 */
export function decodeNpy(file: Uint8Array): NdArray {
  const { descr, fortranOrder, shape, dataOffset } = parseNpyHeader(file);
  const parsed = parseDescr(descr);
  if (parsed === undefined) {
    throw new RecordError(
      `The array has the dtype '${descr.slice(0, 32)}', which is not supported.`,
    );
  }
  const { layout, bigEndian } = parsed;
  const { itemSizeBytes } = layout;
  const count = elementCount(shape);
  let items = file.subarray(dataOffset);
  if (count * itemSizeBytes !== items.length) {
    throw new RecordError(
      `The array's .npy header says (${shape.join(", ")}) of '${descr}', which is ` +
        `${count * itemSizeBytes} bytes; there are ${items.length}.`,
    );
  }
  // One axis or none lies the same in either order, and so does an array without elements.
  const reorder = fortranOrder && shape.length > 1 && count > 0;
  if (bigEndian || reorder || items.byteOffset % itemSizeBytes !== 0) {
    // `slice` of Node's Buffer, which gRPC gives, would copy nothing.
    items = new Uint8Array(items);
  }
  if (bigEndian) reverseItems(items, itemSizeBytes);
  if (reorder) items = toCOrder(items, itemSizeBytes, shape);
  return layout.view(items.buffer, items.byteOffset, count, shape);
}

function reverseItems(items: Uint8Array, itemSizeBytes: number): void {
  for (let at = 0; at < items.length; at += itemSizeBytes) {
    items.subarray(at, at + itemSizeBytes).reverse();
  }
}

/** A copy of elements in Fortran order, put in C order. */
function toCOrder(items: Uint8Array, itemSizeBytes: number, shape: readonly number[]): Uint8Array {
  const source = asWords(items, itemSizeBytes);
  const target = asWords(new Uint8Array(items.length), itemSizeBytes);
  const perItem = itemSizeBytes / source.BYTES_PER_ELEMENT;

  const strides: number[] = [];
  let stride = perItem;
  for (const axis of shape) {
    strides.push(stride);
    stride *= axis;
  }
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < target.length; to += perItem) {
    for (let word = 0; word < perItem; word++) target[to + word] = source[from + word] ?? 0;
    // Count up in C order, the last axis first.
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const position = (index[axis] ?? 0) + 1;
      from += strides[axis] ?? 0;
      if (position < (shape[axis] ?? 0)) {
        index[axis] = position;
        break;
      }
      index[axis] = 0;
      from -= (strides[axis] ?? 0) * position;
    }
  }
  return new Uint8Array(target.buffer);
}

/** Bytes as the words in which to move items of this size; a float's bits must not pass as a number. */
function asWords(
  { buffer, byteOffset, length }: Uint8Array,
  itemSizeBytes: number,
): Uint8Array | Uint16Array | Uint32Array {
  if (itemSizeBytes === 1) return new Uint8Array(buffer, byteOffset, length);
  if (itemSizeBytes === 2) return new Uint16Array(buffer, byteOffset, length / 2);
  return new Uint32Array(buffer, byteOffset, length / 4);
}
