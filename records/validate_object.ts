import { parseObject } from "./object_head.ts";
import { RecordError } from "./record_error.ts";

/**
 * What a server checks of an object before it stores it: the head only, because bodies are for the
 * apps to read. That the id is the hash of the content is checked apart (Flower answers it with
 * `stored = false`, and this with FAILED_PRECONDITION).
 *
 * @returns `undefined` for a well-formed object, otherwise the sentence for the peer, whose first
 * part is Flower 1.25's.
 */
export function checkObject(objectId: string, content: Uint8Array): string | undefined {
  try {
    parseObject(content);
    return undefined;
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    return `Object with ID '${objectId}' has an unexpected structure. ${error.message}`;
  }
}
