import { UsageError } from "../../terminal/errors.ts";

/**
 * The tokens that an app process is given on stdin, one a line, because the command line of a process
 * can be seen by everybody.
 */
export class TokenLines {
  readonly #lines: string[] = [];
  readonly #ended: () => void;
  #isOver = false;
  #changed = Promise.withResolvers<void>();

  /** Starts to read. `ended` is told when there will be no more. */
  constructor(stdin: ReadableStream<Uint8Array<ArrayBuffer>>, ended: () => void) {
    this.#ended = ended;
    void this.#read(stdin);
  }

  /**
   * The next token, as soon as there is one; `undefined` when there will be none or `signal` aborts.
   *
   * @throws {UsageError} when the line holds something else.
   */
  async next(signal: AbortSignal): Promise<string | undefined> {
    const stop = Promise.withResolvers<void>();
    const stopped = () => stop.resolve();
    signal.addEventListener("abort", stopped);
    try {
      while (this.#lines.length === 0 && !this.#isOver && !signal.aborted) {
        await Promise.race([this.#changed.promise, stop.promise]);
      }
    } finally {
      signal.removeEventListener("abort", stopped);
    }
    const line = signal.aborted ? undefined : this.#lines.shift();
    if (line === undefined || /^[0-9a-f]{16,1024}$/.test(line)) return line;
    throw new UsageError("An app process reads its token from stdin, and there was another text.");
  }

  async #read(stdin: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let begun = "";
    try {
      for await (const text of stdin.pipeThrough(new TextDecoderStream())) {
        const lines = (begun + text).split("\n");
        begun = lines.pop() ?? "";
        this.#add(lines);
      }
    } finally {
      this.#isOver = true;
      this.#add([begun]);
      this.#ended();
    }
  }

  #add(lines: readonly string[]): void {
    this.#lines.push(...lines.map((line) => line.trim()).filter((line) => line !== ""));
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
