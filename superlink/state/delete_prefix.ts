import { commit } from "./commit.ts";

/** The most keys in one commit: Deno KV takes 80 KiB of keys, and ours have up to 200 bytes. */
export const KEYS_IN_COMMIT = 400;

/** Deletes every key below a prefix. */
export async function deletePrefix(kv: Deno.Kv, prefix: Deno.KvKey): Promise<void> {
  let operation = kv.atomic();
  let count = 0;
  for await (const { key } of kv.list({ prefix })) {
    operation.delete(key);
    if (++count % KEYS_IN_COMMIT !== 0) continue;
    await commit(operation);
    operation = kv.atomic();
  }
  if (count % KEYS_IN_COMMIT !== 0) await commit(operation);
}
