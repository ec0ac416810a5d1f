import type { Message, ObjectTree } from "../../proto/gen/flwr/proto/message_pb.ts";
import type { MessageRow } from "../state/layout.ts";

/**
 * Somebody who follows what runs send and what comes back, with what is in memory at that moment
 * anyway. Each word costs next to nothing, and no method may throw.
 */
export interface MessageWatch {
  /** An instruction was accepted, perhaps once more. Its objects may be on their way. */
  instructed(instruction: Message, tree: ObjectTree): void;
  /** A reply was accepted for the first time. Its objects may be on their way. */
  replied(reply: Message, tree: ObjectTree): void;
  /** An object came that a message needs; it has the id that it says. */
  stored(runId: bigint, objectId: string, content: Uint8Array): void;
  /** All objects of a reply are there. */
  completed(reply: Pick<MessageRow, "messageId">): void;
}
