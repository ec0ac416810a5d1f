/**
 * TOML as Flower reads it: whole numbers are `bigint`, so that `1` and `1.0` stay apart.
 *
 * @module
 */

import { parse, TomlDate, TomlError, type TomlTable, type TomlValue } from "smol-toml";

export { TomlDate, type TomlTable, type TomlValue };

/** A text that is not TOML. `line` and `column` count from 1; `reason` is the parser's. */
export class TomlSyntaxError extends Error {
  override readonly name = "TomlSyntaxError";

  constructor(readonly reason: string, readonly line: number, readonly column: number) {
    super(`${reason} (line ${line}, column ${column}).`);
  }
}

/** Reads a TOML document. Throws {@linkcode TomlSyntaxError}. */
export function parseToml(text: string): TomlTable {
  try {
    return parse(text, { integersAsBigInt: true });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [headline = ""] = error.message.split("\n");
    const reason = headline.replace(/^Invalid TOML document: /, "");
    throw new TomlSyntaxError(capitalised(reason), error.line, error.column);
  }
}

/** Whether a value is a table rather than an array, a date or a scalar. */
export function isTable(value: TomlValue | undefined): value is TomlTable {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof TomlDate);
}

/** The table at a path such as `["tool", "flwr", "federations"]`, if there is one. */
export function tableAt(table: TomlTable, path: readonly string[]): TomlTable | undefined {
  let found: TomlValue | undefined = table;
  for (const key of path) {
    if (!isTable(found)) return undefined;
    found = found[key];
  }
  return isTable(found) ? found : undefined;
}

/** The text at a path, if there is one. */
export function textAt(table: TomlTable, path: readonly string[]): string | undefined {
  const value = tableAt(table, path.slice(0, -1))?.[path.at(-1) ?? ""];
  return typeof value === "string" ? value : undefined;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
