import { concatBytes } from "./bytes.ts";
import { KeyError } from "./key_error.ts";

/** Reads the data types of SSH (RFC 4251 section 5) from a buffer, never past its end. */
export class SshReader {
  #offset = 0;

  constructor(private readonly bytes: Uint8Array<ArrayBuffer>) {}

  /** The next `sizeBytes` bytes. Throws a {@linkcode KeyError} when they are not there. */
  take(sizeBytes: number): Uint8Array<ArrayBuffer> {
    const end = this.#offset + sizeBytes;
    if (end > this.bytes.length) {
      throw new KeyError("malformed", "The key ends too early, as if the file had been cut off.");
    }
    const part = this.bytes.slice(this.#offset, end);
    this.#offset = end;
    return part;
  }

  /** A big-endian `uint32`. */
  uint32(): number {
    return new DataView(this.take(4).buffer).getUint32(0);
  }

  /** A `string`: its length, then its bytes. */
  string(): Uint8Array<ArrayBuffer> {
    return this.take(this.uint32());
  }

  /** A `string` as text. Bytes that are not UTF-8 become replacement characters. */
  text(): string {
    return new TextDecoder().decode(this.string());
  }

  /** What is left. */
  rest(): Uint8Array<ArrayBuffer> {
    return this.take(this.bytes.length - this.#offset);
  }
}

/** A number becomes a `uint32`, text and bytes become a `string` with its length. */
export function encodeSsh(...values: readonly (number | string | Uint8Array)[]) {
  return concatBytes(...values.flatMap((value) => {
    if (typeof value === "number") return [uint32(value)];
    const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
    return [uint32(bytes.length), bytes];
  }));
}

function uint32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
