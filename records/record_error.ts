/**
 * Thrown for a record, array, object or object tree that is not well formed: bytes of a peer that do
 * not decode, or values that no Flower record can carry. The message is one sentence that is safe to
 * show to the peer; it never holds content beyond names and ids.
 */
export class RecordError extends Error {
  override readonly name = "RecordError";
}
