/**
 * Writes TOML as Python's `tomli-w` 1.x does, byte for byte: Flower puts such a copy of
 * `pyproject.toml` into FABs, and the hash of a FAB depends on each byte.
 *
 * Names that are whole numbers come first in a table, because JavaScript orders them so. A FAB with
 * such names is as good as Flower's, but has another hash if they were not first in the file.
 *
 * @module
 */

import { isTable, TomlDate, type TomlTable, type TomlValue } from "../config/toml.ts";

/** `tomli-w` writes a table of an array on one line of at most this length. */
const MAX_LINE_LENGTH = 100;
const INDENT = "    ";

/** Writes a document. */
export function writeToml(table: TomlTable): string {
  return tableText(table, "", false);
}

function tableText(table: TomlTable, name: string, inArray: boolean): string {
  const scalars: (readonly [string, TomlValue])[] = [];
  const tables: (readonly [string, TomlTable, boolean])[] = [];
  for (const [key, value] of Object.entries(table)) {
    const items = tablesOf(value);
    if (isTable(value)) tables.push([key, value, false]);
    else if (items && !items.every(fitsOnOneLine)) {
      for (const item of items) tables.push([key, item, true]);
    } else scalars.push([key, value]);
  }

  const parts: string[] = [];
  const head = inArray ? `[[${name}]]\n` : `[${name}]\n`;
  const needsHead = inArray || name !== "" && (scalars.length > 0 || tables.length === 0);
  const own = scalars.map(([key, value]) => `${keyText(key)} = ${valueText(value)}\n`).join("");
  if (needsHead || own !== "") parts.push((needsHead ? head : "") + own);
  for (const [key, inner, isItem] of tables) {
    const innerName = name === "" ? keyText(key) : `${name}.${keyText(key)}`;
    parts.push(tableText(inner, innerName, isItem));
  }
  return parts.join("\n");
}

/** The items of an array that holds tables only, and at least one. */
function tablesOf(value: TomlValue): TomlTable[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const tables = value.filter(isTable);
  return tables.length === value.length ? tables : undefined;
}

function fitsOnOneLine(table: TomlTable): boolean {
  const line = `${INDENT}${inlineTable(table)},`;
  return Array.from(line).length <= MAX_LINE_LENGTH && !line.includes("\n");
}

function valueText(value: TomlValue, depth = 0): string {
  if (typeof value === "string") return stringText(value);
  if (typeof value === "number") return floatText(value);
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return arrayText(value, depth);
  if (isTable(value)) return inlineTable(value);
  return value instanceof TomlDate ? dateText(value) : String(value);
}

function arrayText(items: readonly TomlValue[], depth: number): string {
  if (items.length === 0) return "[]";
  const indent = INDENT.repeat(depth + 1);
  const lines = items.map((item) => indent + valueText(item, depth + 1));
  return `[\n${lines.join(",\n")},\n${INDENT.repeat(depth)}]`;
}

function inlineTable(table: TomlTable): string {
  const pairs = Object.entries(table).map(([key, value]) =>
    `${keyText(key)} = ${valueText(value)}`
  );
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
}

function keyText(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : stringText(key);
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  "\b": "\\b",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
  '"': '\\"',
  "\\": "\\\\",
};

function stringText(text: string): string {
  const escaped = text.replace(
    /["\\]|(?![\t\u0080-\u009f])\p{Cc}/gu,
    (sign) => SHORT_ESCAPES[sign] ?? `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `"${escaped}"`;
}

/** Python's `repr` of a float: the same shortest digits as here, but exponents at other places. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [mantissa = "", power = "0"] = value.toExponential().split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    const digits = String(Math.abs(exponent)).padStart(2, "0");
    return `${mantissa}e${exponent < 0 ? "-" : "+"}${digits}`;
  }
  const plain = exponent < -6 ? value.toFixed(20) : String(value);
  return plain.includes(".") ? plain : `${plain}.0`;
}

/** Python's `str` of a datetime, a date or a time. Only milliseconds were kept in reading it. */
function dateText(date: TomlDate): string {
  const text = date.toISOString();
  const [, head = text, fraction = "", zone = ""] =
    /^(.*?\d{2}:\d{2}:\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})?$/.exec(text) ?? [];
  const micros = /[1-9]/.test(fraction) ? `.${fraction.padEnd(6, "0").slice(0, 6)}` : "";
  return head.replace("T", " ") + micros + (zone === "Z" ? "+00:00" : zone);
}
