import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";

/** Some milliseconds of work: other calls get their turn between pieces of this size. */
const PIECE_BYTES = 1024 * 1024;

/**
 * The object id of a content, without holding up other calls while a large one is hashed. It is hashed
 * here and not by Web Crypto, whose threads get copies, because copies are what takes time and memory.
 */
export async function digestOf(content: Uint8Array): Promise<string> {
  const hash = createHash("sha256");
  for (let start = 0; start < content.length; start += PIECE_BYTES) {
    if (start > 0) await setImmediate();
    hash.update(content.subarray(start, start + PIECE_BYTES));
  }
  return hash.digest("hex");
}
