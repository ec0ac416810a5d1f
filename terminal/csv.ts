/**
 * Comma-separated values (RFC 4180): a head, one line for each record, texts in quotes where needed.
 *
 * @module
 */

import { type JsonValue, toJson } from "./json.ts";

/** A record: what its columns hold. */
export type CsvRecord = Readonly<Record<string, JsonValue>>;

/**
 * Writes records. `first` are columns that there are in any case, so that a program finds them where no
 * record has them; those that only records have follow, in the order in which they come first. What is
 * no text or number is written as JSON.
 */
export function toCsv(first: readonly string[], records: readonly CsvRecord[]): string {
  const columns = [...new Set([...first, ...records.flatMap((record) => Object.keys(record))])];
  const rows = records.map((record) => columns.map((column) => cell(record[column])));
  return [columns.map(quoted), ...rows].map((row) => row.join(",")).join("\n");
}

/**
 * The same records for a spreadsheet: a text that one would run as a formula gets a `'` before it,
 * as OWASP advises. A number, also a place such as `-33.9,18.4`, stays.
 */
export function withoutFormulas(records: readonly CsvRecord[]): readonly CsvRecord[] {
  const safe = (value: JsonValue) =>
    typeof value === "string" && /^(?:[=+@\t\r]|-(?![\d.]))/.test(value) ? `'${value}` : value;
  return records.map((record) =>
    Object.fromEntries(Object.entries(record).map(([column, value]) => [column, safe(value)]))
  );
}

/** A line of a file and where it began, from 1. */
export interface CsvLine {
  readonly line: number;
  readonly cells: readonly string[];
}

/** Reads lines; empty ones are left out. `undefined` when a quote is not closed. */
export function readCsv(text: string): readonly CsvLine[] | undefined {
  const lines: CsvLine[] = [];
  let cells: string[] = [];
  let line = 1;
  let began = 1;
  // A cell, quoted or not, and what ends it.
  const pattern = /[^\S\n]*"((?:[^"]|"")*)"[^\S\n]*(,|\r?\n|$)|([^,"\n]*)(,|\n|$)/gy;
  text = text.replace(/^\ufeff/, "");
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (!match) return undefined;
    const [whole, quotedText, , plainText = ""] = match;
    cells.push(quotedText === undefined ? plainText.trim() : quotedText.replaceAll('""', '"'));
    const end = match[2] ?? match[4];
    line += whole.split("\n").length - 1;
    if (end === ",") {
      if (pattern.lastIndex === text.length) cells.push("");
      else continue;
    }
    if (cells.some((cell) => cell !== "")) lines.push({ line: began, cells });
    cells = [];
    began = line;
  }
  if (cells.some((cell) => cell !== "")) lines.push({ line: began, cells });
  return lines;
}

function cell(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return quoted(value);
  // In one line; a text has its line ends escaped.
  return quoted(toJson(value).replaceAll(/\n */g, ""));
}

function quoted(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
