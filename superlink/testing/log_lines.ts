import { createLog, type Log } from "../../terminal/log.ts";

/** One line of a log, as a machine reads it. */
export interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** Long enough for a busy machine; a test that waits this long has failed. */
const WAIT_MS = 20_000;

/** Collects the lines of a log. */
export class LogLines {
  readonly lines: LogLine[] = [];
  readonly log: Log;
  readonly #added = new EventTarget();

  constructor() {
    this.log = createLog({
      format: "json",
      level: "debug",
      write: (line) => {
        this.lines.push(JSON.parse(line));
        this.#added.dispatchEvent(new Event("line"));
      },
    });
  }

  /** The lines of one kind. */
  of(event: string): LogLine[] {
    return this.lines.filter((line) => line.event === event);
  }

  /** Waits until there are `count` lines of one kind, and gives the last. */
  async untilLogged(event: string, count = 1): Promise<LogLine> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => this.of(event).length >= count && resolve();
    const timer = setTimeout(
      () => reject(new Error(`The log has not ${count} of "${event}": ${this}`)),
      WAIT_MS,
    );
    this.#added.addEventListener("line", look);
    look();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#added.removeEventListener("line", look);
    }
    return this.of(event)[count - 1]!;
  }

  toString(): string {
    return JSON.stringify(this.lines, undefined, 1);
  }
}
