/**
 * JSON in the form that Python's `json.dumps(…, indent=2, ensure_ascii=False)` gives, so that
 * Flower's numbers keep their kind: a `bigint` is written as a whole number of any size, a `number`
 * always as a float.
 *
 * @module
 */

/** What can be written. */
export type JsonValue =
  | string
  | boolean
  | bigint
  | number
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** Writes a value, indented by two blanks for each level. */
export function toJson(value: JsonValue, indent = ""): string {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return float(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    return block("[", value.map((item) => inner + toJson(item, inner)), "]", indent);
  }
  const members = Object.entries(value).map(([name, member]) =>
    `${inner}${JSON.stringify(name)}: ${toJson(member, inner)}`
  );
  return block("{", members, "}", indent);
}

function block(open: string, lines: readonly string[], close: string, indent: string): string {
  return lines.length === 0 ? open + close : `${open}\n${lines.join(",\n")}\n${indent}${close}`;
}

function float(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e16 ? value.toFixed(1) : String(value);
}
