import { RecordError } from "./record_error.ts";

/** What the header of an `.npy` file says. */
export interface NpyHeader {
  /** Byte order, kind and item size, such as `<f4`. */
  readonly descr: string;
  /** Whether the first axis varies fastest. */
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

/** A header that was read, and where the elements begin. */
export interface ParsedNpyHeader extends NpyHeader {
  readonly dataOffset: number;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const PREAMBLE_BYTES = 10;
const ALIGNMENT_BYTES = 64;
// NumPy leaves room to rewrite the length of the growing axis in place, for 21 digits.
const GROWTH_AXIS_DIGITS = 21;
// NumPy refuses longer ones, so as not to run its parser on them.
const MAX_HEADER_BYTES = 10_000;

/**
 * The header of an `.npy` file in format 1.0 for elements in C order, byte for byte as NumPy 2.4
 * writes it.
 */
export function encodeNpyHeader(descr: string, shape: readonly number[]): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  let text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const [growthAxis] = shape;
  if (growthAxis !== undefined) {
    text += " ".repeat(GROWTH_AXIS_DIGITS - String(growthAxis).length);
  }
  const used = PREAMBLE_BYTES + text.length + 1;
  text += " ".repeat(ALIGNMENT_BYTES - (used % ALIGNMENT_BYTES)) + "\n";
  const header = new Uint8Array(PREAMBLE_BYTES + text.length);
  header.set([...MAGIC, 1, 0, text.length & 0xff, text.length >> 8]);
  for (let at = 0; at < text.length; at++) header[PREAMBLE_BYTES + at] = text.charCodeAt(at);
  return header;
}

/**
 * Reads the header of an `.npy` file in format 1.0, with any padding and its three keys in any order.
 *
 * @throws {RecordError} when the bytes are something else, are cut off, or say more than 10,000 bytes
 * of header.
 */
export function parseNpyHeader(bytes: Uint8Array): ParsedNpyHeader {
  if (bytes.length < PREAMBLE_BYTES || MAGIC.some((byte, at) => bytes[at] !== byte)) {
    throw new RecordError("The array's data is not an .npy file.");
  }
  const [major = 0, minor = 0, low = 0, high = 0] = bytes.subarray(MAGIC.length);
  if (major !== 1 || minor !== 0) {
    throw new RecordError(
      `The array's .npy file has the format ${major}.${minor}, only 1.0 can be read.`,
    );
  }
  const headerBytes = low + 256 * high;
  const dataOffset = PREAMBLE_BYTES + headerBytes;
  if (headerBytes > MAX_HEADER_BYTES || dataOffset > bytes.length) {
    throw new RecordError(
      `The array's .npy header says that it has ${headerBytes} bytes; ` +
        `${bytes.length - PREAMBLE_BYTES} are there, ${MAX_HEADER_BYTES} is the most.`,
    );
  }
  const text = String.fromCharCode(...bytes.subarray(PREAMBLE_BYTES, dataOffset));
  return { ...parseDictionary(text), dataOffset };
}

// White space, then a string, a name, a number or a mark.
const TOKEN = /[ \t\n]*(?:'([^'\\]*)'|"([^"\\]*)"|([A-Za-z]+)|([0-9]{1,16})(?![0-9])|([{}():,]))/y;

/** Reads the Python dictionary that a header is. A tokenizer keeps this linear in hostile input. */
function parseDictionary(text: string): NpyHeader {
  const malformed = () => new RecordError("The array's .npy header is not as NumPy writes it.");
  let at = 0;
  const next = (): string => {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) throw malformed();
    at = TOKEN.lastIndex;
    const string = match[1] ?? match[2];
    return string === undefined ? match[3] ?? match[4] ?? match[5] ?? "" : `'${string}`;
  };
  const expect = (token: string): void => {
    if (next() !== token) throw malformed();
  };

  let descr: string | undefined;
  let fortranOrder: boolean | undefined;
  let shape: readonly number[] | undefined;
  expect("{");
  for (let token = next(); token !== "}";) {
    expect(":");
    if (token === "'descr" && descr === undefined) {
      const value = next();
      // A list here is a structured dtype.
      if (!value.startsWith("'")) throw malformed();
      descr = value.slice(1);
    } else if (token === "'fortran_order" && fortranOrder === undefined) {
      const value = next();
      if (value !== "True" && value !== "False") throw malformed();
      fortranOrder = value === "True";
    } else if (token === "'shape" && shape === undefined) {
      shape = parseTuple(next, malformed);
    } else {
      throw malformed();
    }
    token = next();
    if (token === ",") token = next();
    else if (token !== "}") throw malformed();
  }
  if (descr === undefined || fortranOrder === undefined || shape === undefined) throw malformed();
  if (text.slice(at).trim() !== "") throw malformed();
  return { descr, fortranOrder, shape };
}

function parseTuple(next: () => string, malformed: () => RecordError): readonly number[] {
  const items: number[] = [];
  if (next() !== "(") throw malformed();
  let token = next();
  while (token !== ")") {
    if (!/^[0-9]+$/.test(token)) throw malformed();
    items.push(Number(token));
    token = next();
    if (token === ",") token = next();
    // "(3)" is a number and not a tuple.
    else if (token !== ")" || items.length === 1) throw malformed();
  }
  return items;
}
