import { createHash } from "node:crypto";
import type { ObjectTree } from "../../proto/gen/flwr/proto/message_pb.ts";
import { postOrder } from "../../records/object_tree.ts";

/** The objects that a message needs. */
export interface MessageObjects {
  /** All of them, children before their parents; the last is the message itself. */
  readonly objectIds: readonly string[];
  /** What is below the message itself, absent where nothing is (an error, say). */
  readonly branch?: Branch;
}

/**
 * The content of a message. The instructions of a round have the same one, so it is held as a whole:
 * a thousand messages that share a hundred objects are a thousand holders, not a hundred thousand.
 */
export interface Branch {
  /** Made of what the tree says, so that a tree which says something else has a branch of its own. */
  readonly branchId: string;
  readonly objectIds: readonly string[];
}

/** Reads a tree that a peer sent. Throws a `RecordError` when it is malformed. */
export function objectsOf(tree: ObjectTree): MessageObjects {
  const objectIds = postOrder(tree).map(({ objectId }) => objectId);
  const below = objectIds.slice(0, -1);
  if (below.length === 0) return { objectIds };
  const branchId = createHash("sha256").update(below.join()).digest("hex");
  return { objectIds, branch: { branchId, objectIds: below } };
}
