/**
 * What two programs did together, step by step: a step that fails does not keep the later ones from
 * being tried.
 *
 * @module
 */

/** One step, and why it failed if it did. */
export interface Step {
  readonly name: string;
  readonly failure?: string;
}

const MAX_REASON_CHARACTERS = 160;

/** Takes steps and notes how they went. */
export class Steps {
  readonly taken: Step[] = [];

  /** Takes a step; `undefined` when it failed. */
  async take<T>(name: string, step: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await step();
      this.taken.push({ name });
      return result;
    } catch (error) {
      this.taken.push({ name, failure: reasonOf(error) });
      return undefined;
    }
  }
}

/** The line of an error that says most: the last of what a program complained of, or its first. */
export function reasonOf(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).replaceAll("\r", "");
  const [, stdout = "", stderr = ""] = /--- stdout\n(.*)\n--- stderr\n(.*)/s.exec(text) ?? [];
  const said = [stderr, stdout].find((output) => output.trim() !== "");
  const lines = (said === undefined ? text.split("\n").slice(0, 1) : said.split("\n"))
    .map(readable)
    .filter((line) => /\w/.test(line));
  const reason = lines.findLast((line) => /error|fail|cannot|not |unknown|invalid/i.test(line)) ??
    lines.at(-1) ?? "it said nothing";
  return reason.length <= MAX_REASON_CHARACTERS
    ? reason
    : `${reason.slice(0, MAX_REASON_CHARACTERS)}…`.toWellFormed();
}

/** A line without colours and frames, and without what is another the next time. */
export function readable(line: string): string {
  return line
    .replaceAll("\\n", " ")
    .replaceAll(/"error-message": "|",?$/g, "")
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
    .replaceAll(/\d{15,}/g, "ID")
    // deno-lint-ignore no-control-regex
    .replaceAll(/\x1b\[[\d;]*m/g, "")
    .replaceAll(/[│╭╮╰╯─┃┏┓┗┛━]+/g, " ")
    .replaceAll(/(?:\/[\w.@+-]+){2,}\/?/g, "…")
    .replaceAll(/\s+/g, " ")
    .trim();
}
