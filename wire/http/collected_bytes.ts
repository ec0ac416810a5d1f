/** A chunk of so many bytes is kept as it is; of smaller ones, many are put together. */
const LARGE_BYTES = 16 * 1024;
const TOGETHER_BYTES = 64 * 1024;

/**
 * Bytes that come in chunks, in whatever sizes a peer likes. A chunk of Deno's lies in a buffer of 64 KiB,
 * however small it is: kept as they are, a hundred thousand chunks of one byte are 6 GB.
 */
export class CollectedBytes {
  readonly #parts: Uint8Array[] = [];
  /** The small chunks since the last large one. */
  #together: Uint8Array | undefined;
  #togetherBytes = 0;
  #sizeBytes = 0;

  /** How many there are. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(chunk: Uint8Array): void {
    const isFirst = this.#sizeBytes === 0;
    this.#sizeBytes += chunk.length;
    // Most messages are one small chunk, which costs least as it is.
    if (isFirst || chunk.length >= LARGE_BYTES) {
      this.#putAway();
      this.#parts.push(chunk);
      return;
    }
    this.#together ??= new Uint8Array(TOGETHER_BYTES);
    if (this.#togetherBytes + chunk.length > TOGETHER_BYTES) this.#putAway();
    this.#together.set(chunk, this.#togetherBytes);
    this.#togetherBytes += chunk.length;
  }

  /** All of them, in an array of exactly that size. */
  whole(): Uint8Array<ArrayBuffer> {
    this.#putAway();
    const whole = new Uint8Array(this.#sizeBytes);
    let offset = 0;
    for (const part of this.#parts) {
      whole.set(part, offset);
      offset += part.length;
    }
    return whole;
  }

  #putAway(): void {
    if (this.#together === undefined || this.#togetherBytes === 0) return;
    this.#parts.push(this.#together.slice(0, this.#togetherBytes));
    this.#togetherBytes = 0;
  }
}
