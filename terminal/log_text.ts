/**
 * The output of apps, as it may be shown: colours where they are wanted, and nothing else that
 * drives a terminal. What an app prints is not to be trusted more than the app is.
 *
 * @module
 */

// deno-lint-ignore-file no-control-regex

/** A colour or another style (ECMA-48 SGR). */
const STYLE = /^\x1b\[[\d;:]*m$/;
/** Any sequence that starts with an escape: control sequences, strings, and short ones. */
const SEQUENCE =
  /^\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\`-~])/;
/** What may become a sequence when more comes. */
const BEGINNING = /^\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)$/;
/** Longer ones are no sequences that a program means. */
const MAX_SEQUENCE_LENGTH = 256;

/** Filters a text that comes in pieces; a sequence may be cut between two of them. */
export class LogTextFilter {
  readonly #colours: boolean;
  #rest = "";

  constructor(options: { readonly colours: boolean }) {
    this.#colours = options.colours;
  }

  /** What can be shown of the text so far. */
  push(text: string): string {
    let left = this.#rest + text;
    this.#rest = "";
    let shown = "";
    while (left !== "") {
      const escape = left.indexOf("\x1b");
      if (escape === -1) return shown + withoutControls(left);
      shown += withoutControls(left.slice(0, escape));
      left = left.slice(escape);
      const [sequence] = SEQUENCE.exec(left) ?? [];
      if (sequence !== undefined) {
        if (this.#colours && STYLE.test(sequence)) shown += sequence;
        left = left.slice(sequence.length);
      } else if (left.length < MAX_SEQUENCE_LENGTH && BEGINNING.test(left)) {
        this.#rest = left;
        return shown;
      } else left = left.slice(1);
    }
    return shown;
  }
}

/** Line ends, tabs and the carriage returns of progress bars stay. */
function withoutControls(text: string): string {
  return text.replace(/(?![\n\t\r])\p{Cc}/gu, "");
}
