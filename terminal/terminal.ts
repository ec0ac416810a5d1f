/**
 * Where a command writes: results go to stdout, and what a person is told meanwhile to stderr, so
 * that a result can be piped on.
 *
 * @module
 */

import { type Paint, paintFor } from "./colour.ts";

/** The two streams of a command. */
export interface Terminal {
  /** Writes a result and a line end to stdout. */
  print(text: string): void;
  /** Writes a result to stdout as it is. */
  write(text: string): void;
  /** Tells the person something on stderr, with a line end. */
  say(text: string): void;
  /** Tells the person, as `say` does, what only they can do; `--quiet` does not silence it. */
  ask(text: string): void;
  /** Asks for a yes, and takes anything else for a no; absent where nobody is there to answer. */
  readonly confirm?: (question: string) => boolean;
  /** Shows how far a long step is, in place, where stderr is a terminal. */
  progress(text: string): void;
  /** Styles for stdout. */
  readonly paint: Paint;
  /** Styles for stderr. */
  readonly paintTalk: Paint;
  /** The width of stdout; `undefined` when it is not a terminal and `COLUMNS` is not set. */
  readonly columns: number | undefined;
  /** Aborts once it is known that nobody reads stdout any more, for commands that would go on. */
  readonly unread: AbortSignal;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const talks = Deno.stderr.isTerminal();
  const unread = new AbortController();
  const write = (text: string) => writeAll(Deno.stdout, text) || unread.abort();
  return {
    print: (text) => void write(`${text}\n`),
    write: (text) => void write(text),
    say: (text) => void writeAll(Deno.stderr, `${text}\n`),
    ask: (text) => void writeAll(Deno.stderr, `${text}\n`),
    progress: (text) => {
      if (talks) writeAll(Deno.stderr, `\r\x1b[K${text}`);
    },
    ...(talks && Deno.stdin.isTerminal() ? { confirm } : {}),
    paint: paintFor(Deno.stdout),
    paintTalk: paintFor(Deno.stderr),
    columns: terminalColumns(),
    unread: unread.signal,
  };
}

function confirm(question: string): boolean {
  writeAll(Deno.stderr, `${question} [y/N] `);
  // A terminal gives a line at a time; its end (Ctrl-D) is no answer.
  const line = new Uint8Array(256);
  const count = Deno.stdin.readSync(line);
  if (count === null) writeAll(Deno.stderr, "\n");
  return /^y(es)?$/i.test(new TextDecoder().decode(line.subarray(0, count ?? 0)).trim());
}

function terminalColumns(): number | undefined {
  const told = Number(Deno.env.get("COLUMNS"));
  if (Number.isInteger(told) && told > 0) return told;
  // Some pseudo terminals have no size and say 0.
  return Deno.stdout.isTerminal() ? Deno.consoleSize().columns || undefined : undefined;
}

const encoder = new TextEncoder();

/** A reader that went away, as `head` does, is no error; gives false then. */
function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): boolean {
  const bytes = encoder.encode(text);
  try {
    for (let sent = 0; sent < bytes.length;) sent += stream.writeSync(bytes.subarray(sent));
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    return false;
  }
}
