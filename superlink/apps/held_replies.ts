/**
 * How ServerApps pull replies: held until all that they ask about is answered, because they look
 * again only seconds later.
 *
 * @module
 */

import type { Message, ObjectTree } from "../../proto/gen/flwr/proto/message_pb.ts";
import { type Bells, topics } from "../bells.ts";
import type { Clock } from "../clock.ts";
import type { CarriedMessage } from "../messages/message_store.ts";
import type { Messages } from "../messages/messages.ts";

/** What held replies work on. */
export interface HeldRepliesOptions {
  readonly messages: Messages;
  readonly bells: Bells;
  readonly clock: Clock;
}

/** One pull. */
export interface ReplyPull {
  readonly runId: bigint;
  /** The instructions that are asked about. */
  readonly messageIds: readonly string[];
  /** How long it may be held. */
  readonly holdMs: number;
  /** Aborts when the app is gone. */
  readonly signal: AbortSignal;
  /** Throws when the app may not pull, or may not any more. */
  readonly require: () => Promise<unknown>;
}

/** Gives the replies once all are there, and those that are there when the hold ends. */
export async function heldReplies(
  { messages, bells, clock }: HeldRepliesOptions,
  { runId, messageIds, holdMs, signal, require }: ReplyPull,
): Promise<CarriedMessage[]> {
  const deadlineMs = Date.now() + holdMs;
  using listener = await bells.listen(topics.replies(runId), topics.run(runId), topics.nodes);
  for (;;) {
    await require();
    if (!await messages.answers.areAnswered(runId, messageIds, clock.nowMicros())) {
      const end = await listener.wait(deadlineMs, signal);
      if (end === "rung" && Date.now() < deadlineMs) continue;
      if (end === "gone") return [];
    }
    return await messages.answers.pullReplies(runId, messageIds, clock.nowMicros(), require);
  }
}

/** How replies travel. */
export function repliesView(
  replies: readonly CarriedMessage[],
): { messagesList: Message[]; messageObjectTrees: ObjectTree[] } {
  return {
    messagesList: replies.map(({ message }) => message),
    messageObjectTrees: replies.map(({ tree }) => tree),
  };
}
