/**
 * The two forms of a result: a view for a person, and JSON in Flower 1.25.0's shapes.
 *
 * @module
 */

import { describeFailure } from "../terminal/failure.ts";
import { choiceFlag } from "../terminal/flags.ts";
import { type JsonValue, toJson } from "../terminal/json.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** `--format default|json`. */
export const FORMAT_FLAG = choiceFlag(
  "format",
  ["default", "json"],
  "Show the result as a view for a person, or as JSON.",
);

/** A result in both forms. */
export interface Result {
  readonly json: JsonValue;
  readonly view: string;
}

/**
 * Does the work and prints its result; `say` talks to a person meanwhile. With `json`, stdout gets
 * exactly one document, for a failure too. The exit code of a failure is that of the error in both
 * forms, where Flower's CLI ends with 0.
 */
export async function report(
  format: "default" | "json",
  terminal: Terminal,
  work: (say: (line: string) => void) => Promise<Result>,
): Promise<number> {
  if (format === "default") {
    terminal.print((await work(terminal.say)).view);
    return 0;
  }
  try {
    terminal.print(toJson((await work(() => {})).json));
    return 0;
  } catch (error) {
    const { message, remedy, exitCode } = describeFailure(error);
    const text = remedy === undefined ? message : `${message}\n${remedy}`;
    terminal.print(toJson({ "success": false, "error-message": text }));
    return exitCode;
  }
}
