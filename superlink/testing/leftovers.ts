import { assertEquals } from "@std/assert";
import { delay } from "@std/async";
import { FAB_SPACE } from "../runs/fabs.ts";
import type { Database } from "../state/database.ts";

/** What stays of a run that has ended, and what has nothing to do with runs. */
const STAYS = new Set([
  ...[
    "schema",
    "restored",
    "node",
    "key",
    "burned",
    "lease",
    "mark",
    "keyless-gone",
    "node-expiry",
    "key-expiry",
    "import",
    "import-node",
  ],
  ...["run", "log", "event", "round"],
  ...["grant", "grant-used", "secret", "login", "device"],
  // Of a shared state: what expires, and the ends of logs. Blobs are looked at by their spaces.
  ...["proof", "nonce", "registrations", "bell", "turn", "log-end", "blob", "chunk"],
]);

/** Keys and blobs that there must not be once all runs have ended. */
export async function leftoversIn({ kv, blobs }: Database): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of kv.list({ prefix: [] })) {
    if (!STAYS.has(String(key[0]))) found.push(key.map(String).join("/"));
  }
  for (const space of await blobs.spaces()) if (space !== FAB_SPACE) found.push(`blobs/${space}`);
  return found;
}

/** How long what a run leaves may take to be deleted once the run is seen to have ended. */
const CLEANING_MS = 20_000;

/** A run has ended for those who ask before what it leaves is deleted: waits for that. */
export async function assertNothingLeft(database: Database): Promise<void> {
  const deadline = Date.now() + CLEANING_MS;
  let found = await leftoversIn(database);
  while (found.length > 0 && Date.now() < deadline) {
    await delay(10);
    found = await leftoversIn(database);
  }
  assertEquals(found, []);
}

/** How many keys of one kind there are, for example `object`. */
export async function countKeys({ kv }: Database, kind: string): Promise<number> {
  let count = 0;
  for await (const _ of kv.list({ prefix: [kind] })) count++;
  return count;
}
