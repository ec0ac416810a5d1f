import rows from "./database-1.json" with { type: "json" };

/**
 * Writes the database that a SuperLink of layout version 1 left when it was killed: nodes in each state,
 * tokens, and a run that ended. Rows are JSON, in which `$bigint` and `$bytes` (Base64) stand for what
 * JSON has not.
 */
export async function writeVersion1(place: string): Promise<void> {
  const kv = await Deno.openKv(place);
  for (const [key, value] of rows) await kv.set(plain(key) as Deno.KvKey, plain(value));
  kv.close();
}

function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  if ("$bigint" in value) return BigInt(String(value.$bigint));
  if ("$bytes" in value) {
    return Uint8Array.from(atob(String(value.$bytes)), (char) => char.charCodeAt(0));
  }
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}
