import { Buffer } from "node:buffer";
import { assertEquals, assertThrows } from "@std/assert";
import { type NdArray, ndArray } from "./ndarray.ts";
import { decodeNpy, encodeNpy } from "./npy.ts";
import { encodeNpyHeader } from "./npy_header.ts";
import { RecordError } from "./record_error.ts";

/** An .npy file with this header text (not padded) and these elements. */
function npy(headerText: string, items: readonly number[], version = [1, 0]): Uint8Array {
  const header = new TextEncoder().encode(headerText);
  return Uint8Array.from([
    ...[0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59],
    ...version,
    ...[header.length & 0xff, header.length >> 8],
    ...header,
    ...items,
  ]);
}

const everyDtype: readonly NdArray[] = [
  ndArray(new Float32Array([1.5, -0, NaN, Infinity])),
  ndArray(new Float64Array([5e-324, -1e308])),
  ndArray(new Float16Array([0.5, 65504])),
  ndArray(new BigInt64Array([-(2n ** 63n), 2n ** 63n - 1n])),
  ndArray(new Int32Array([-(2 ** 31), 2 ** 31 - 1])),
  ndArray(new Int16Array([-32768, 32767])),
  ndArray(new Int8Array([-128, 127])),
  ndArray(new Uint8Array([0, 255])),
  ndArray(new Uint16Array([0, 65535])),
  ndArray(new Uint32Array([0, 2 ** 32 - 1])),
  ndArray(new BigUint64Array([0n, 2n ** 64n - 1n])),
  { dtype: "bool", shape: [2], data: new Uint8Array([0, 1]) },
];

Deno.test("encodeNpy() and decodeNpy() carry every dtype without loss", () => {
  for (const array of everyDtype) assertEquals(decodeNpy(encodeNpy(array)), array);
});

Deno.test("encodeNpyHeader() writes NumPy 2.4's padding", () => {
  // Total length of what numpy.lib.format.write_array_header_1_0 makes; the text is checked below.
  const lengths: readonly [readonly number[], number][] = [
    [[], 128],
    [[0], 128],
    [[2147483647], 128],
    [[64, 3, 7, 7], 128],
    [[2, 3, 4, 5, 6, 7, 8, 9], 128],
    [Array(12).fill(10), 192],
    [Array(64).fill(7), 320],
  ];
  for (const [shape, length] of lengths) {
    const header = encodeNpyHeader("<f4", shape);
    assertEquals([shape, header.length], [shape, length]);
    assertEquals(header.at(-1), 0x0a);
  }
  assertEquals(
    new TextDecoder("latin1").decode(encodeNpyHeader("|b1", [3]).subarray(10)).trimEnd(),
    "{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }",
  );
});

Deno.test("encodeNpy() refuses a shape that does not fit the data", () => {
  const array: NdArray = { dtype: "float32", shape: [2, 2], data: new Float32Array(3) };
  assertThrows(() => encodeNpy(array), RecordError, "(2, 2)");
  assertThrows(() => ndArray(new Float32Array(3), [2]), RecordError, "3 elements");
  assertThrows(() => ndArray(new Float32Array(3), [-3]), RecordError, "no length");
});

Deno.test("encodeNpy() writes only the elements of a view", () => {
  const view = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
  assertEquals(decodeNpy(encodeNpy(ndArray(view))).data, new Float32Array([1, 2]));
});

Deno.test("decodeNpy() does not copy elements that lie aligned", () => {
  const file = encodeNpy(ndArray(new Float64Array([1, 2])));
  assertEquals(decodeNpy(file).data.buffer === file.buffer, true);
});

Deno.test("decodeNpy() copies elements that do not lie aligned", () => {
  const array = ndArray(new Float64Array([1, 2]));
  const file = encodeNpy(array);
  const shifted = new Uint8Array(file.length + 1);
  shifted.set(file, 1);
  assertEquals(decodeNpy(shifted.subarray(1)), array);
});

Deno.test("decodeNpy() reads Node's buffers, at any offset", () => {
  const array = ndArray(new Float64Array([1.5, -2]));
  for (let offset = 0; offset < 9; offset++) {
    const buffer = Buffer.concat([Buffer.alloc(offset), encodeNpy(array)]);
    assertEquals(decodeNpy(buffer.subarray(offset)), array);
  }
});

Deno.test("decodeNpy() puts Fortran order into C order, for every item size", () => {
  const shape = [2, 3, 2];
  const inFortranOrder = [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11];
  const inCOrder = inFortranOrder.map((_, at) => at);
  const arrays: readonly [string, (items: readonly number[]) => NdArray][] = [
    ["|i1", (items) => ndArray(Int8Array.from(items), shape)],
    ["<u2", (items) => ndArray(Uint16Array.from(items), shape)],
    ["<f4", (items) => ndArray(Float32Array.from(items), shape)],
    ["<f8", (items) => ndArray(Float64Array.from(items), shape)],
    ["<i8", (items) => ndArray(BigInt64Array.from(items.map(BigInt)), shape)],
  ];
  for (const [descr, make] of arrays) {
    const header = `{'descr': '${descr}', 'fortran_order': True, 'shape': (2, 3, 2), }\n`;
    const { data } = make(inFortranOrder);
    const file = npy(header, [...new Uint8Array(data.buffer)]);
    assertEquals(decodeNpy(file), make(inCOrder));
  }
});

Deno.test("decodeNpy() turns big-endian elements round", () => {
  const header = "{'descr': '>i4', 'fortran_order': False, 'shape': (2,), }\n";
  const file = npy(header, [0, 0, 0, 1, 255, 255, 255, 254]);
  const before = file.slice();
  assertEquals(decodeNpy(file), ndArray(new Int32Array([1, -2])));
  assertEquals(file, before);
});

Deno.test("decodeNpy() reads headers with any padding, quotes and order of keys", () => {
  const headers = [
    "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n",
    "{'descr':'|u1','fortran_order':False,'shape':(2,)}",
    '{"shape": (2,), "descr": "|u1", "fortran_order": True}     \n',
  ];
  for (const header of headers) {
    assertEquals(decodeNpy(npy(header, [7, 8])), ndArray(new Uint8Array([7, 8])));
  }
});

const good = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n";
const malformed: readonly [string, Uint8Array, string][] = [
  ["nothing", new Uint8Array(), "not an .npy file"],
  ["another file", new TextEncoder().encode("PK\x03\x04 zip file"), "not an .npy file"],
  ["format 2.0", npy(good, [7, 8], [2, 0]), "format 2.0"],
  ["a header longer than the file", npy(good, [7, 8]).subarray(0, 40), "30 are there"],
  ["a header of 20,000 bytes", npy(good + " ".repeat(20_000), [7, 8]), "10000 is the most"],
  ["too few elements", npy(good, [7]), "there are 1"],
  ["too many elements", npy(good, [7, 8, 9]), "there are 3"],
  ["a shape far too large", npy(good.replace("2", "9007199254740991"), [7, 8]), "there are 2"],
  ["a shape past counting", npy(good.replace("2,", "4294967296, 4294967296"), []), "too many"],
  ["an axis of 17 digits", npy(good.replace("2", "1".repeat(17)), []), "not as NumPy"],
  ["a negative axis", npy(good.replace("2", "-2"), []), "not as NumPy"],
  ["65 axes", npy(good.replace("2,", "1,".repeat(65)), [7]), "65 axes"],
  ["no tuple", npy(good.replace("(2,)", "(2)"), [7, 8]), "not as NumPy"],
  ["a list as shape", npy(good.replace("(2,)", "[2]"), [7, 8]), "not as NumPy"],
  ["a structured dtype", npy(good.replace("'|u1'", "[('a', '|u1')]"), [7, 8]), "not as NumPy"],
  ["objects", npy(good.replace("|u1", "|O"), [7, 8]), "'|O'"],
  ["complex numbers", npy(good.replace("|u1", "<c8"), [7, 8]), "'<c8'"],
  ["big-endian bytes", npy(good.replace("|u1", ">u1"), [7, 8]), "'>u1'"],
  ["another truth value", npy(good.replace("False", "false"), [7, 8]), "not as NumPy"],
  ["a missing key", npy("{'descr': '|u1', 'shape': (2,), }", [7, 8]), "not as NumPy"],
  ["a key twice", npy(good.replace("{", "{'descr': '|u1', "), [7, 8]), "not as NumPy"],
  ["an unknown key", npy(good.replace("{", "{'more': '|u1', "), [7, 8]), "not as NumPy"],
  ["an open dictionary", npy(good.replace("}", ""), [7, 8]), "not as NumPy"],
  ["text after the dictionary", npy(good.replace("}", "} or 1"), [7, 8]), "not as NumPy"],
  ["code", npy("__import__('os').system('true')", []), "not as NumPy"],
];

for (const [what, file, reason] of malformed) {
  Deno.test(`decodeNpy() refuses ${what}`, () => {
    assertThrows(() => decodeNpy(file), RecordError, reason);
  });
}
