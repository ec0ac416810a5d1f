import { RecordError } from "./record_error.ts";

// Bodies of ArrayRecord, RecordDict and Array objects are JSON as Python's json.dumps writes it by
// default, and the order of the members is the order of the record's keys. JSON.parse moves
// integer-like keys to the front, so they are read member by member.

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\b", "\\b"],
  ["\f", "\\f"],
]);
// One UTF-16 unit at a time (no u flag): characters past U+FFFF become two escapes, as in Python.
const ESCAPED = /["\\]|[^ -~]/g;
const INTEGER = /-?(?:0|[1-9][0-9]{0,15})(?![0-9.eE])/y;

/** A string as Python's `json.dumps` writes it: printable ASCII as it is, all else escaped. */
export function encodeJsonString(text: string): string {
  const inner = text.replace(
    ESCAPED,
    (unit) => SHORT_ESCAPES.get(unit) ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `"${inner}"`;
}

/** A JSON object of strings as Python's `json.dumps` writes it, in the order given. */
export function encodeStringObject(entries: Iterable<readonly [string, string]>): string {
  const members: string[] = [];
  for (const [key, value] of entries) {
    members.push(`${encodeJsonString(key)}: ${encodeJsonString(value)}`);
  }
  return `{${members.join(", ")}}`;
}

/**
 * Reads a JSON object of strings, keeping the order of its members.
 *
 * @throws {RecordError} when it is anything else, or names a key twice.
 */
export function decodeStringObject(text: string): Map<string, string> {
  const entries = new Map<string, string>();
  const cursor = new JsonCursor(text);
  cursor.object((key) => entries.set(key, cursor.string()));
  cursor.end();
  return entries;
}

/**
 * A reader of JSON that goes from value to value as its caller expects them, so nothing is nested
 * deeper than the caller looks. Each method throws a {@link RecordError} when something else comes.
 */
export class JsonCursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Reads an object: calls `member` with each key in turn, which must read the value. */
  object(member: (key: string) => void): void {
    const keys = new Set<string>();
    this.#sequence("{", "}", () => {
      const key = this.string();
      if (keys.has(key)) this.#fail("a key that comes twice");
      keys.add(key);
      this.#expect(":");
      member(key);
    });
  }

  /** Reads a list: calls `item` for each item, which must read it. */
  list(item: () => void): void {
    this.#sequence("[", "]", item);
  }

  /** Reads a string. */
  string(): string {
    this.#skipSpace();
    const start = this.#at;
    if (this.#text[start] !== '"') this.#fail("no string");
    let end = start + 1;
    while (end < this.#text.length && this.#text[end] !== '"') {
      end += this.#text[end] === "\\" ? 2 : 1;
    }
    this.#at = end + 1;
    try {
      // Checks the escapes and refuses raw control characters, as Python does.
      const value: unknown = JSON.parse(this.#text.slice(start, end + 1));
      if (typeof value === "string") return value;
    } catch {
      // Falls through to the one error for bad strings.
    }
    return this.#fail("a malformed string");
  }

  /** Reads an integer without fraction or exponent that a number holds exactly. */
  integer(): number {
    this.#skipSpace();
    INTEGER.lastIndex = this.#at;
    const digits = INTEGER.exec(this.#text)?.[0];
    const value = Number(digits);
    if (digits === undefined || !Number.isSafeInteger(value)) return this.#fail("no integer");
    this.#at += digits.length;
    return value;
  }

  /** Requires that nothing but white space is left. */
  end(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail("text after its end");
  }

  #sequence(open: string, close: string, item: () => void): void {
    this.#expect(open);
    if (this.#accept(close)) return;
    do item(); while (this.#accept(","));
    this.#expect(close);
  }

  #skipSpace(): void {
    while (" \t\n\r".includes(this.#text[this.#at] ?? "end")) this.#at++;
  }

  #accept(mark: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== mark) return false;
    this.#at++;
    return true;
  }

  #expect(mark: string): void {
    if (!this.#accept(mark)) this.#fail(`no '${mark}'`);
  }

  #fail(what: string): never {
    throw new RecordError(`The object's JSON has ${what} at character ${this.#at}.`);
  }
}
