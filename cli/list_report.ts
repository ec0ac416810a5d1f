/**
 * The forms of a list: a table for a person, JSON in Flower's shapes, YAML, and CSV.
 *
 * @module
 */

import { type CsvRecord, toCsv, withoutFormulas } from "../terminal/csv.ts";
import { choiceFlag } from "../terminal/flags.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { toYaml } from "../terminal/yaml.ts";
import { report, type Result } from "./report.ts";

/** `--format default|table|json|yaml|csv`. */
export const LIST_FORMAT_FLAG = choiceFlag(
  "format",
  ["default", "table", "json", "yaml", "csv"],
  "Show the list as a table for a person (which is the default), or for programs.",
);

/** One of the forms. */
export type ListFormat = ReturnType<typeof LIST_FORMAT_FLAG.of>;

/** A list in its forms. */
export interface ListResult extends Result {
  /** What is listed, for CSV, and the columns that it always has. */
  readonly records: readonly CsvRecord[];
  readonly columns: readonly string[];
}

/** As {@linkcode report}, for a list. */
export async function reportList(
  format: ListFormat,
  terminal: Terminal,
  work: (say: (line: string) => void) => Promise<ListResult>,
): Promise<number> {
  if (format === "default" || format === "table") return await report("default", terminal, work);
  if (format === "json") return await report("json", terminal, work);
  const { json, records, columns } = await work(() => {});
  terminal.print(format === "yaml" ? toYaml(json) : toCsv(columns, withoutFormulas(records)));
  return 0;
}
