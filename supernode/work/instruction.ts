import type { PullMessagesResponse } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import type { Message, ObjectTree } from "../../proto/gen/flwr/proto/message_pb.ts";
import { type Metadata, metadataFromProto } from "../../records/metadata.ts";
import { postOrder, type TreeEntry } from "../../records/object_tree.ts";
import { RecordError } from "../../records/record_error.ts";

/** A message to a node, as it came: without payload, with the tree of its objects. */
export interface Instruction {
  readonly metadata: Metadata;
  readonly message: Message;
  readonly tree: ObjectTree;
  /** The tree's objects, children first. */
  readonly objects: readonly TreeEntry[];
  /** The contents of those that came with it. */
  readonly carried: ReadonlyMap<string, Uint8Array>;
  /** How many bytes of objects may travel with the reply. */
  readonly carryBytes: bigint;
  /** Whether the next pull may confirm it, which saves a call. */
  readonly confirmedByPull: boolean;
}

/**
 * The message of an answer to PullMessages, `undefined` if there is none. Throws a
 * {@linkcode RecordError} when it is not one for this node.
 */
export function readInstruction(
  response:
    & Pick<PullMessagesResponse, "messagesList" | "messageObjectTrees">
    & Partial<Pick<PullMessagesResponse, "carriedObjects" | "carryBytes" | "takesConfirmations">>,
  nodeId: bigint,
): Instruction | undefined {
  const { messagesList: [message], messageObjectTrees: [tree], carriedObjects = [] } = response;
  if (!message) return undefined;
  if (!message.metadata || !tree) throw new RecordError("The message has no metadata or no tree.");
  const metadata = metadataFromProto(message.metadata);
  if (metadata.dstNodeId !== nodeId) {
    throw new RecordError(`The message is for node ${metadata.dstNodeId}.`);
  }
  if (metadata.messageId !== tree.objectId) {
    throw new RecordError("The message's tree is another message's.");
  }
  const carried = new Map(carriedObjects.map(({ objectId, content }) => [objectId, content]));
  const { carryBytes = 0n, takesConfirmations: confirmedByPull = false } = response;
  return {
    ...{ metadata, message, tree, objects: postOrder(tree) },
    ...{ carried, carryBytes, confirmedByPull },
  };
}

/** When an instruction is of no use any more, in seconds since the epoch. */
export function expiryOf({ createdAtSeconds, ttlSeconds }: Metadata): number {
  return createdAtSeconds + ttlSeconds;
}
