/**
 * What a ServerApp prints: shown here, and sent to the run's log at the SuperLink.
 *
 * @module
 */

/** Sends pieces of text to the run's log. */
export type PushLogs = (pieces: readonly string[]) => Promise<void>;

/** Where text is shown. */
export type Show = (stream: "stdout" | "stderr", text: string) => void;

/** Output is sent this soon after it was printed, as in Flower 1.25. */
const SEND_AFTER_MS = 200;
/** What waits while the SuperLink cannot be reached; older text is left out of the log then, which says so. */
const MAX_WAITING_CHARACTERS = 1024 ** 2;

/** Collects output and sends it in batches, one at a time. */
export class RunLog {
  readonly #push: PushLogs;
  readonly #show: Show;
  #waiting: string[] = [];
  #waitingCharacters = 0;
  /** Characters that were left out before what waits. */
  #leftOut = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(push: PushLogs, show: Show) {
    this.#push = push;
    this.#show = show;
  }

  /** Shows text, and sends it soon. */
  print(stream: "stdout" | "stderr", text: string): void {
    this.#show(stream, text);
    this.#waiting.push(text);
    this.#waitingCharacters += text.length;
    while (this.#waitingCharacters > MAX_WAITING_CHARACTERS && this.#waiting.length > 1) {
      const { length } = this.#waiting.shift() ?? "";
      this.#waitingCharacters -= length;
      this.#leftOut += length;
    }
    this.#timer ??= setTimeout(() => this.#send(), SEND_AFTER_MS);
  }

  /** Sends what is left and waits until it has been. Nothing may be printed afterwards. */
  async close(): Promise<void> {
    this.#send();
    await this.#sending;
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending = this.#sending.then(async () => {
      const pieces = this.#waiting;
      this.#waiting = [];
      this.#waitingCharacters = 0;
      if (this.#leftOut > 0) pieces.unshift(leftOutText(this.#leftOut));
      this.#leftOut = 0;
      if (pieces.length === 0) return;
      try {
        await this.#push(pieces);
      } catch (error) {
        this.#show("stderr", `The run's log lacks some output: ${error}\n`);
      }
    });
  }
}

function leftOutText(characters: number): string {
  const count = characters.toLocaleString("en");
  return `\n[${count} characters are left out here: they came faster than the SuperLink took them.]\n`;
}
