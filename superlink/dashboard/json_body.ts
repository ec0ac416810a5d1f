/** A text of a JSON object; `""` when it is not there. */
export function textOf(body: unknown, name: string): string {
  const value = memberOf(body, name);
  return typeof value === "string" ? value : "";
}

/** The texts of an object within a JSON object; none when it is not there. */
export function textsOf(body: unknown, name: string): Record<string, string> {
  const value = memberOf(body, name);
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, text]) => typeof text === "string" ? [[key, text]] : []),
  );
}

function memberOf(body: unknown, name: string): unknown {
  return typeof body === "object" && body !== null ? Reflect.get(body, name) : undefined;
}
