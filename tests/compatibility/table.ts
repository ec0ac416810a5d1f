/**
 * What was seen, as a table for the README.
 *
 * @module
 */

import type { Step } from "./steps.ts";

/** What one pair of programs did. */
export interface Cell {
  readonly transport: string;
  readonly steps: readonly Step[];
}

/** A release of Flower and its cells, in the order of the columns. */
export interface Row {
  readonly version: string;
  readonly cells: readonly Cell[];
}

const BEGIN = "<!-- compatibility: written by `deno task compatibility` -->";
const END = "<!-- /compatibility -->";

/** The table in Markdown, with what failed below it. */
export function tableOf(roles: readonly string[], rows: readonly Row[]): string {
  const notes: string[] = [];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const table = [
    line(["Flower", ...roles]),
    line(["---", ...roles.map(() => "---")]),
    ...rows.map(({ version, cells }) => line([version, ...cells.map((cell) => show(cell, notes))])),
  ];
  return [table.join("\n"), ...notes.map((note, index) => `${index + 1}. ${note}`)]
    .map((part, index) => index === 1 ? `\n${part}` : part)
    .join("\n");
}

function show({ transport, steps }: Cell, notes: string[]): string {
  const failed = steps.filter(({ failure }) => failure !== undefined);
  if (failed.length === 0) return `${transport}, works`;
  for (const { name, failure = "" } of failed) {
    const note = `\`${name}\`: ${escaped(failure)}`;
    if (!notes.includes(note)) notes.push(note);
  }
  const numbers = failed.map(({ name, failure = "" }) =>
    notes.indexOf(`\`${name}\`: ${escaped(failure)}`) + 1
  );
  const all = failed.length === steps.length;
  return `${transport}, ${all ? "fails" : "works in part"} (${numbers.join(", ")})`;
}

/** What a program said, so that Markdown takes none of it for its own. */
function escaped(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]<>#|~]/g, "\\$&");
}

/** A text with the table between its two markers; throws when it has none. */
export function withTable(text: string, table: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`There is no place for it: ${BEGIN} … ${END}`);
  return `${text.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${text.slice(end)}`;
}
