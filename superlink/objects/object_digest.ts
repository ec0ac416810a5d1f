import { encodeHex } from "@std/encoding";
import { objectIdOf } from "../../records/object_id.ts";

/** From this size on it is quicker to hand the bytes to another thread than to hash them here. */
const OFF_THREAD_BYTES = 64 * 1024;

/** The object id of a content, without holding up other calls while a large one is hashed. */
export async function digestOf(content: Uint8Array): Promise<string> {
  const { buffer, byteOffset, length } = content;
  if (length < OFF_THREAD_BYTES || !(buffer instanceof ArrayBuffer)) return objectIdOf(content);
  const view = new Uint8Array(buffer, byteOffset, length);
  return encodeHex(await crypto.subtle.digest("SHA-256", view));
}
