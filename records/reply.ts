import type { ContentMessage, ErrorMessage, MessageError } from "./message.ts";
import type { Metadata } from "./metadata.ts";
import type { RecordDict } from "./record_dict.ts";

// A SuperLink refuses replies that outlive their instruction by more than this.
const TTL_TOLERANCE_SECONDS = 0.1;

/** When a reply is made, and how long it may live. */
export interface ReplyOptions {
  /** Unix time, UTC. */
  readonly nowSeconds: number;
  /** The time the instruction has left, by default and at most. */
  readonly ttlSeconds?: number;
}

/** A reply with content to the instruction that has this metadata. */
export function createReply(
  instruction: Metadata,
  content: RecordDict,
  options: ReplyOptions,
): ContentMessage {
  return { metadata: replyMetadata(instruction, options), content };
}

/** A reply with an error to the instruction that has this metadata. */
export function createErrorReply(
  instruction: Metadata,
  error: MessageError,
  options: ReplyOptions,
): ErrorMessage {
  return { metadata: replyMetadata(instruction, options), error };
}

/**
 * As Flower 1.25 makes it: run, group and type copied, source and destination swapped (task ids of
 * 1.30 and newer too), and the time to live limited to what the instruction has left. That is
 * negative once the instruction has expired, and the SuperLink then refuses the reply.
 */
function replyMetadata(instruction: Metadata, options: ReplyOptions): Metadata {
  const { nowSeconds, ttlSeconds } = options;
  const leftSeconds = instruction.createdAtSeconds + instruction.ttlSeconds - nowSeconds;
  const fits = ttlSeconds !== undefined && ttlSeconds !== 0 &&
    ttlSeconds - leftSeconds <= TTL_TOLERANCE_SECONDS;
  return {
    runId: instruction.runId,
    messageId: "",
    srcNodeId: instruction.dstNodeId,
    dstNodeId: instruction.srcNodeId,
    replyToMessageId: instruction.messageId,
    groupId: instruction.groupId,
    ttlSeconds: fits ? ttlSeconds : leftSeconds,
    messageType: instruction.messageType,
    createdAtSeconds: nowSeconds,
    ...(instruction.dstTaskId !== undefined && { srcTaskId: instruction.dstTaskId }),
    ...(instruction.srcTaskId !== undefined && { dstTaskId: instruction.srcTaskId }),
  };
}
