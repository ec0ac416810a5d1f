/**
 * Messages between ServerApps and nodes: what may be sent, when it is delivered, and what a ServerApp
 * is told of a message that will not be answered.
 *
 * @module
 */

import type { Message, ObjectTree } from "../../proto/gen/flwr/proto/message_pb.ts";
import { deflateMessage } from "../../records/deflate.ts";
import { type ErrorMessage, pushedMessage } from "../../records/message.ts";
import { StatusError } from "../../wire/status.ts";
import { type Bells, topics } from "../bells.ts";
import type { FoundObject, Objects } from "../objects/objects.ts";
import type { MessageRow } from "../state/layout.ts";
import type { Nodes } from "../state/nodes.ts";
import { OneAtATime } from "../state/one_at_a_time.ts";
import { messageFaults } from "./check_message.ts";
import { type CarriedMessage, type MessageStore, requireTree } from "./message_store.ts";
import { type Answer, errorMessage } from "./made_up_reply.ts";

/** What a push leaves to do: the ids in order (`""`: not accepted) and the objects to send. */
export interface Pushed {
  readonly messageIds: string[];
  readonly objectsToPush: string[];
}

/**
 * Throws when the run takes no messages any more. Asked in the run's turn, because its messages are
 * deleted in a turn when it ends: what comes later would stay for ever.
 */
export type Gate = () => Promise<unknown>;

const MICROS_PER_SECOND = 1_000_000;
/** How often an instruction whose delivery was lost is handed out before it is given up. */
const MAX_DELIVERIES = 3;
/** A reply may outlive its instruction by as much, for the rounding of clocks (Flower 1.25). */
const EXPIRY_SLACK_MICROS = 100_000;

/** The messages of all runs. */
export class Messages {
  readonly #store: MessageStore;
  readonly #objects: Objects;
  readonly #nodes: Nodes;
  readonly #bells: Bells;
  readonly #startMicros: number;
  readonly #turns = new OneAtATime<bigint>();
  /** The instruction that each node was handed and has not confirmed. */
  readonly #handedOut = new Map<bigint, { readonly runId: bigint; readonly messageId: string }>();

  constructor(
    store: MessageStore,
    objects: Objects,
    nodes: Nodes,
    bells: Bells,
    startMicros: number,
  ) {
    this.#store = store;
    this.#objects = objects;
    this.#nodes = nodes;
    this.#bells = bells;
    this.#startMicros = startMicros;
    for (const { nodeId, runId, messageId } of store.unconfirmed) {
      this.#handedOut.set(nodeId, { runId, messageId });
    }
  }

  /**
   * Takes the instructions of a ServerApp. Nothing is stored unless all are well-formed
   * (`INVALID_ARGUMENT`); one for a node that cannot have any gets no id.
   */
  async pushInstructions(
    runId: bigint,
    messages: readonly Message[],
    trees: readonly ObjectTree[],
    nowMicros: number,
    gate: Gate,
  ): Promise<Pushed> {
    const malformed = (text: string) =>
      new StatusError("INVALID_ARGUMENT", `Malformed PushMessages: ${text}`);
    if (messages.length === 0) throw malformed("there is no message.");
    if (messages.length !== trees.length) throw malformed("messages and object trees differ.");
    const faults = messages.flatMap((message) =>
      messageFaults(message, "instruction", runId, nowMicros / MICROS_PER_SECOND)
    );
    if (faults.length > 0) throw malformed(faults.join(", "));
    const carried = messages.map((message, index) => ({
      message,
      tree: requireTree(message, trees[index]),
    }));

    return await this.#turns.run(runId, async () => {
      await gate();
      const messageIds: string[] = [];
      const missing = new Set<string>();
      for (const one of carried) {
        const { messageId, dstNodeId, createdAt, ttl } = metadataOf(one.message);
        if (!await this.#canReceive(dstNodeId)) {
          messageIds.push("");
          continue;
        }
        const awaited = await this.#store.put({
          messageId,
          runId,
          kind: "instruction",
          nodeId: dstNodeId,
          expiresAt: Math.round((createdAt + ttl) * MICROS_PER_SECOND),
        }, one);
        messageIds.push(messageId);
        for (const objectId of awaited) missing.add(objectId);
        if (awaited.length === 0) this.#bells.ring(topics.inbox(dstNodeId));
      }
      return { messageIds, objectsToPush: [...missing] };
    });
  }

  /**
   * Takes the reply of a node; gives the objects to send. One that answers no instruction of this
   * node is dropped without an error, as Flower does, because a node has no use for one.
   */
  async pushReply(
    runId: bigint,
    nodeId: bigint,
    message: Message,
    tree: ObjectTree | undefined,
    nowMicros: number,
    gate: Gate,
  ): Promise<string[]> {
    const faults = messageFaults(message, "reply", runId, nowMicros / MICROS_PER_SECOND);
    if (faults.length > 0) return [];
    const carried = { message, tree: requireTree(message, tree) };
    const { messageId, srcNodeId, replyToMessageId, createdAt, ttl } = metadataOf(message);
    if (srcNodeId !== nodeId) return [];
    const expiresAt = Math.round((createdAt + ttl) * MICROS_PER_SECOND);
    return await this.#turns.run(runId, async () => {
      await gate();
      const instruction = await this.#store.find(runId, replyToMessageId);
      if (
        instruction?.row.kind !== "instruction" || instruction.row.nodeId !== nodeId ||
        instruction.row.expiresAt <= nowMicros ||
        expiresAt > instruction.row.expiresAt + EXPIRY_SLACK_MICROS
      ) return [];
      const known = await this.#store.replyTo(runId, replyToMessageId);
      if (known && known.row.messageId !== messageId) return [];
      this.#handedOut.delete(nodeId);
      const missing = await this.#store.put({
        messageId,
        runId,
        kind: "reply",
        nodeId,
        instructionId: replyToMessageId,
        expiresAt,
      }, carried);
      if (missing.length === 0) this.#bells.ring(topics.replies(runId));
      return missing;
    });
  }

  /** Stores an object that a message announced; false when none did or its id is wrong. */
  async putObject(runId: bigint, objectId: string, content: Uint8Array): Promise<boolean> {
    const stored = await this.#objects.put(runId, objectId, content);
    if (!stored) return false;
    const completed = await this.#turns.run(
      runId,
      () => this.#store.objectStored(runId, objectId),
    );
    for (const { kind, nodeId } of completed) {
      this.#bells.ring(kind === "reply" ? topics.replies(runId) : topics.inbox(nodeId));
    }
    return true;
  }

  async getObject(runId: bigint, objectId: string): Promise<FoundObject> {
    return await this.#objects.get(runId, objectId);
  }

  /**
   * Hands out the oldest instruction that waits for a node. A node pulls again only when it is done
   * with the instruction before, or when that was lost on its way: then it is handed out again.
   */
  async nextInstruction(nodeId: bigint, nowMicros: number): Promise<CarriedMessage | undefined> {
    await this.#recoverLost(nodeId, nowMicros);
    for await (const entry of this.#store.inbox(nodeId)) {
      const { row } = entry;
      if (row.expiresAt <= nowMicros) {
        await this.#turns.run(row.runId, () => this.#store.delete(row));
        continue;
      }
      const carried = await this.#store.load(row);
      // The node may have been unregistered, or the run stopped, while this call waited.
      const living = await this.#nodes.livingCheck(nodeId);
      if (!living) return undefined;
      if (!await this.#store.deliver(entry, nowMicros, [living])) continue;
      this.#handedOut.set(nodeId, { runId: row.runId, messageId: row.messageId });
      return carried;
    }
    return undefined;
  }

  /** A node has all objects of an instruction. */
  async confirmByNode(
    runId: bigint,
    nodeId: bigint,
    messageId: string,
    nowMicros: number,
  ): Promise<void> {
    await this.#turns.run(runId, async () => {
      const entry = await this.#store.find(runId, messageId);
      if (entry?.row.kind !== "instruction" || entry.row.nodeId !== nodeId) return;
      if (this.#handedOut.get(nodeId)?.messageId === messageId) this.#handedOut.delete(nodeId);
      if (entry.row.confirmedAt === undefined) await this.#store.confirm(entry, nowMicros);
    });
  }

  /** A ServerApp has all objects of a reply: nothing of the exchange is needed any more. */
  async confirmByApp(runId: bigint, messageId: string): Promise<void> {
    await this.#turns.run(runId, async () => {
      const entry = await this.#store.find(runId, messageId);
      if (entry?.row.kind !== "reply") return;
      const { instructionId } = entry.row;
      const instruction = instructionId === undefined
        ? undefined
        : await this.#store.find(runId, instructionId);
      await this.#store.delete(entry.row);
      if (instruction) await this.#store.delete(instruction.row);
    });
  }

  /** Which of the instructions have an answer by now. */
  async answerable(runId: bigint, ids: readonly string[], nowMicros: number): Promise<Set<string>> {
    const answered = new Set<string>();
    for (const id of ids) {
      if ((await this.#answer(runId, id, nowMicros)).kind !== "open") answered.add(id);
    }
    return answered;
  }

  /** Hands out the answers that are there; each is given once. */
  async pullReplies(
    runId: bigint,
    ids: readonly string[],
    nowMicros: number,
    gate: Gate,
  ): Promise<CarriedMessage[]> {
    return await this.#turns.run(runId, async () => {
      await gate();
      const replies: CarriedMessage[] = [];
      for (const id of new Set(ids)) {
        const answer = await this.#answer(runId, id, nowMicros);
        if (answer.kind === "open") continue;
        if (answer.kind === "reply") {
          const carried = await this.#store.load(answer.entry.row);
          if (await this.#store.deliver(answer.entry, nowMicros)) replies.push(carried);
          continue;
        }
        replies.push(await this.#makeUp(runId, id, answer, nowMicros));
      }
      return replies;
    });
  }

  /** Deletes everything that a run's messages left. */
  async deleteRun(runId: bigint): Promise<void> {
    await this.#turns.run(runId, () => this.#store.deleteRun(runId));
  }

  async #answer(runId: bigint, id: string, nowMicros: number): Promise<Answer> {
    const instruction = await this.#store.find(runId, id);
    if (instruction?.row.kind !== "instruction") return { kind: "unknown-message" };
    const { row } = instruction;
    const reply = await this.#store.replyTo(runId, id);
    const node = await this.#nodes.get(row.nodeId);
    if (!node || node.row.status === "unregistered") {
      return { kind: "node-unavailable", instruction };
    }
    if (reply?.row.complete) {
      // Handed out before the SuperLink was restarted: the answer may not have arrived.
      const { deliveredAt } = reply.row;
      const again = deliveredAt !== undefined && deliveredAt < this.#startMicros;
      if (deliveredAt !== undefined && !again) return { kind: "unknown-message" };
      if (reply.row.expiresAt <= nowMicros) return { kind: "reply-expired", instruction };
      return { kind: "reply", entry: reply };
    }
    if (row.expiresAt <= nowMicros) return { kind: "message-expired", instruction };
    if (!node.lease || node.lease.onlineUntil <= nowMicros || wasLost(row, node.row.joinedAt)) {
      return { kind: "node-unavailable", instruction };
    }
    return { kind: "open" };
  }

  /** Stores the error in place of the reply, as a message whose object the ServerApp can pull. */
  async #makeUp(
    runId: bigint,
    instructionId: string,
    answer: Answer,
    nowMicros: number,
  ): Promise<CarriedMessage> {
    const instruction = "instruction" in answer ? answer.instruction : undefined;
    const before = instruction && await this.#store.load(instruction.row);
    const made: ErrorMessage = errorMessage(answer, instructionId, before?.message, nowMicros);
    const { objectId, objects, tree } = deflateMessage(made);
    if (instruction) {
      const reply = await this.#store.replyTo(runId, instructionId);
      if (reply) await this.#store.delete(reply.row);
      await this.#store.delete(instruction.row);
    }
    const carried = { message: pushedMessage(made, objectId), tree };
    await this.#store.put({
      messageId: objectId,
      runId,
      kind: "reply",
      nodeId: 1n,
      expiresAt: Number.MAX_SAFE_INTEGER,
      deliveredAt: nowMicros,
    }, carried);
    for (const object of objects) {
      await this.#objects.put(runId, object.objectId, object.content());
      await this.#store.objectStored(runId, object.objectId);
    }
    return carried;
  }

  async #recoverLost(nodeId: bigint, nowMicros: number): Promise<void> {
    const handedOut = this.#handedOut.get(nodeId);
    if (!handedOut) return;
    this.#handedOut.delete(nodeId);
    const { runId, messageId } = handedOut;
    await this.#turns.run(runId, async () => {
      const entry = await this.#store.find(runId, messageId);
      if (!entry || entry.row.confirmedAt !== undefined) return;
      if (entry.row.deliveries < MAX_DELIVERIES && entry.row.expiresAt > nowMicros) {
        await this.#store.returnToInbox(entry);
        return;
      }
      await this.#store.delete(entry.row);
      this.#bells.ring(topics.replies(runId));
    });
  }

  async #canReceive(nodeId: bigint): Promise<boolean> {
    const status = (await this.#nodes.get(nodeId))?.row.status;
    return status === "online" || status === "offline";
  }
}

/** A process that joined after the instruction was fetched knows nothing of it. */
function wasLost(row: MessageRow, joinedAt: number | undefined): boolean {
  return row.confirmedAt !== undefined && joinedAt !== undefined && row.confirmedAt < joinedAt;
}

function metadataOf({ metadata }: Message) {
  if (!metadata) throw new StatusError("INVALID_ARGUMENT", "The message has no metadata.");
  return metadata;
}
