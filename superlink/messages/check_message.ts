/**
 * What a message must be before anything of it is stored (Flower 1.25; the texts are ours, because
 * nothing parses them).
 *
 * @module
 */

import { parseMessageType } from "../../records/message_type.ts";
import { SUPERLINK_NODE_ID } from "../../records/metadata.ts";
import { isObjectId } from "../../records/object_id.ts";
import { RecordError } from "../../records/record_error.ts";
import type { Message } from "../../proto/gen/flwr/proto/message_pb.ts";

/** No message was ever made before Flower had them (28 February 2025), in seconds. */
const EARLIEST_CREATED_AT_S = 1_740_700_800;

/** What is wrong with a message of the given kind; empty when nothing is. */
export function messageFaults(
  { metadata, content, error }: Message,
  kind: "instruction" | "reply",
  runId: bigint,
  nowSeconds: number,
): string[] {
  if (!metadata) return ["`metadata` is missing"];
  const faults: string[] = [];
  const require = (holds: boolean, fault: string) => {
    if (!holds) faults.push(fault);
  };
  require(metadata.runId === runId, "`run_id` is another run's");
  require(isObjectId(metadata.messageId), "`message_id` is not an object id");
  require(metadata.createdAt >= EARLIEST_CREATED_AT_S, "`created_at` is too early");
  require(metadata.ttl > 0, "`ttl` is not above 0");
  require(metadata.createdAt + metadata.ttl > nowSeconds, "the message has expired");
  require(metadata.srcNodeId !== 0n, "`src_node_id` is not set");
  require(metadata.dstNodeId !== 0n, "`dst_node_id` is not set");
  require(isMessageType(metadata.messageType), "`message_type` is not one that apps have");
  require((content === undefined) !== (error === undefined), "not one of `content` and `error`");
  if (kind === "instruction") {
    require(metadata.replyToMessageId === "", "`reply_to_message_id` is set");
    require(metadata.srcNodeId === SUPERLINK_NODE_ID, "`src_node_id` is not the SuperLink's");
    require(metadata.dstNodeId !== SUPERLINK_NODE_ID, "`dst_node_id` is the SuperLink's");
  } else {
    require(metadata.replyToMessageId !== "", "`reply_to_message_id` is not set");
    require(metadata.srcNodeId !== SUPERLINK_NODE_ID, "`src_node_id` is the SuperLink's");
    require(metadata.dstNodeId === SUPERLINK_NODE_ID, "`dst_node_id` is not the SuperLink's");
  }
  return faults;
}

function isMessageType(text: string): boolean {
  try {
    parseMessageType(text);
    return true;
  } catch (error) {
    if (error instanceof RecordError) return false;
    throw error;
  }
}
