import { MAX_CHUNK_BYTES } from "../records/deflate.ts";
import type { TreeEntry } from "../records/object_tree.ts";
import { eachWithin } from "./each_within.ts";

/** Contents of at most this many bytes are under way at a time. */
const MAX_BYTES_UNDER_WAY = 64 * 1024 ** 2;
/** No more than this many pulls at a time. */
const MAX_PULLS = 32;

/**
 * Pulls objects, each once and several at a time. Gives the contents of those that can be had.
 *
 * How large an object is shows when it is there. Those with children are only names, and the others
 * are counted as what they may be: chunks of arrays.
 */
export async function pullObjects(
  entries: readonly TreeEntry[],
  pull: (objectId: string) => Promise<Uint8Array | undefined>,
): Promise<Map<string, Uint8Array>> {
  const contents = new Map<string, Uint8Array>();
  await eachWithin(
    {
      count: MAX_PULLS,
      weight: MAX_BYTES_UNDER_WAY,
      weightOf: ({ children }) => children.length === 0 ? MAX_CHUNK_BYTES : 0,
    },
    new Map(entries.map((entry) => [entry.objectId, entry])).values(),
    async ({ objectId }) => {
      const content = await pull(objectId);
      if (content !== undefined) contents.set(objectId, content);
    },
  );
  return contents;
}
