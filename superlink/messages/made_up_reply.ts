/**
 * The replies that a SuperLink makes up when no node will answer (Flower's error codes 3, 4 and 5).
 *
 * @module
 */

import type { Message } from "../../proto/gen/flwr/proto/message_pb.ts";
import { ErrorCode } from "../../records/error_code.ts";
import type { ErrorMessage } from "../../records/message.ts";
import { SUPERLINK_NODE_ID } from "../../records/metadata.ts";
import type { MessageRow } from "../state/layout.ts";

/** What a ServerApp gets for an instruction that it asks about. */
export type Answer =
  | { readonly kind: "open" }
  | { readonly kind: "reply"; readonly reply: MessageRow }
  | { readonly kind: "unknown-message" }
  | {
    readonly kind: "message-expired" | "reply-expired" | "node-unavailable";
    readonly instruction: MessageRow;
  };

const MICROS_PER_SECOND = 1_000_000;

/**
 * The error message for an answer. For an instruction that is unknown or expired it names no run
 * (type `system`, ttl 0); otherwise run, group and type are the instruction's, and the ttl is what is
 * left of it.
 */
export function errorMessage(
  answer: Answer,
  instructionId: string,
  instruction: Message | undefined,
  nowMicros: number,
): ErrorMessage {
  const nowSeconds = nowMicros / MICROS_PER_SECOND;
  const metadata = instruction?.metadata;
  const known = answer.kind === "node-unavailable" || answer.kind === "reply-expired";
  const { code, reason } = errorOf(answer, instructionId, metadata?.dstNodeId);
  return {
    metadata: {
      runId: known ? metadata?.runId ?? 0n : 0n,
      messageId: "",
      srcNodeId: SUPERLINK_NODE_ID,
      dstNodeId: SUPERLINK_NODE_ID,
      replyToMessageId: instructionId,
      groupId: known ? metadata?.groupId ?? "" : "",
      ttlSeconds: known && metadata
        ? Math.max(0, metadata.createdAt + metadata.ttl - nowSeconds)
        : 0,
      messageType: known ? metadata?.messageType ?? "system" : "system",
      createdAtSeconds: nowSeconds,
    },
    error: { code, reason },
  };
}

function errorOf(answer: Answer, instructionId: string, nodeId: bigint | undefined) {
  switch (answer.kind) {
    case "node-unavailable":
      return {
        code: ErrorCode.NODE_UNAVAILABLE,
        reason: `SuperNode ${nodeId} is not available: it is offline, was unregistered, or was ` +
          "started anew while it worked on the message.",
      };
    case "reply-expired":
      return {
        code: ErrorCode.REPLY_MESSAGE_UNAVAILABLE,
        reason: `The reply to message ${instructionId} has expired.`,
      };
    default:
      return {
        code: ErrorCode.MESSAGE_UNAVAILABLE,
        reason: `Message ${instructionId} is unknown, has expired or was answered already.`,
      };
  }
}
