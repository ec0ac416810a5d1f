import type { Message, ObjectTree } from "../../proto/gen/flwr/proto/message_pb.ts";
import { type Metadata, metadataFromProto } from "../../records/metadata.ts";
import { postOrder, type TreeEntry } from "../../records/object_tree.ts";
import { RecordError } from "../../records/record_error.ts";
import { StatusError } from "../../wire/status.ts";

/** A reply without its payload that answers the instruction it should. */
export interface CheckedReply {
  readonly messageId: string;
  readonly message: Message;
  readonly tree: ObjectTree;
  /** The tree's objects, children first. */
  readonly objects: readonly TreeEntry[];
}

/**
 * Checks what a ClientApp pushes before anything of it is kept: a SuperLink would refuse other
 * replies, and Flower's does so without saying so. Throws a `StatusError` with `INVALID_ARGUMENT`.
 */
export function checkReply(
  instruction: Metadata,
  message: Message | undefined,
  tree: ObjectTree | undefined,
): CheckedReply {
  if (!message?.metadata || !tree) throw invalid("It has no message, metadata or tree.");
  try {
    const { messageId, replyToMessageId, runId, srcNodeId, dstNodeId } = metadataFromProto(
      message.metadata,
    );
    if (replyToMessageId !== instruction.messageId) throw invalid("It answers another message.");
    if (runId !== instruction.runId) throw invalid("It belongs to another run.");
    if (srcNodeId !== instruction.dstNodeId || dstNodeId !== instruction.srcNodeId) {
      throw invalid("It does not go from this node to the SuperLink.");
    }
    if (messageId !== tree.objectId) throw invalid("Its id is not that of its tree.");
    if ((message.content === undefined) === (message.error === undefined)) {
      throw invalid("It does not have exactly one of content and error.");
    }
    return { messageId, message, tree, objects: postOrder(tree) };
  } catch (error) {
    throw error instanceof RecordError ? invalid(error.message) : error;
  }
}

function invalid(why: string): StatusError {
  return new StatusError("INVALID_ARGUMENT", `The reply cannot be sent. ${why}`);
}
