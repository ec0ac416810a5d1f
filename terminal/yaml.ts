import type { JsonValue } from "./json.ts";

/** Writes a value as YAML 1.2, whose texts are written as in JSON, so that none is read as another. */
export function toYaml(value: JsonValue): string {
  return lines(value).join("\n");
}

function lines(value: JsonValue): string[] {
  if (Array.isArray(value)) {
    if (value.length === 0) return ["[]"];
    return value.flatMap((item) => lines(item).map((line, n) => `${n === 0 ? "- " : "  "}${line}`));
  }
  if (typeof value !== "object" || value === null) return [scalar(value)];
  const members = Object.entries(value);
  if (members.length === 0) return ["{}"];
  return members.flatMap(([name, member]) => {
    const inner = lines(member);
    const key = /^[a-z][a-z0-9_-]*$/.test(name) && !RESERVED.has(name)
      ? name
      : JSON.stringify(name);
    if (!isBlock(member)) return [`${key}: ${inner.join("")}`];
    return [`${key}:`, ...inner.map((line) => `  ${line}`)];
  });
}

/** What YAML 1.1, which many still read, takes for something else than a text. */
const RESERVED: ReadonlySet<string> = new Set([
  "y",
  "n",
  "yes",
  "no",
  "on",
  "off",
  "true",
  "false",
  "null",
]);

function scalar(value: JsonValue): string {
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}

function isBlock(value: JsonValue): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}
