/**
 * Replies cannot be aggregated, because they do not hold the same records or values. The run fails, as
 * it does in Flower 1.25 (its exit code 200).
 */
export class InconsistentRepliesError extends Error {
  override readonly name = "InconsistentRepliesError";
}
