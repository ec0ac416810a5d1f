/**
 * Messages between ServerApps and nodes: what may be sent, when it is delivered, and what a ServerApp
 * is told of a message that will not be answered.
 *
 * @module
 */

import type { Message, ObjectTree } from "../../proto/gen/flwr/proto/message_pb.ts";
import { deflateMessage } from "../../records/deflate.ts";
import { type CarriedObject, CarryRoom } from "../../records/carry_room.ts";
import { type ErrorMessage, pushedMessage } from "../../records/message.ts";
import { SUPERLINK_NODE_ID } from "../../records/metadata.ts";
import { postOrder } from "../../records/object_tree.ts";
import { StatusError } from "../../wire/status.ts";
import { type Bells, topics } from "../bells.ts";
import type { FoundObject, Objects } from "../objects/objects.ts";
import type { MessageRow } from "../state/layout.ts";
import type { Nodes } from "../state/nodes.ts";
import { Contention, StorageFailure } from "../state/commit.ts";
import { batches } from "../state/batches.ts";
import { OneAtATime } from "../state/one_at_a_time.ts";
import { messageFaults } from "./check_message.ts";
import type { HandedOut } from "./handed_out.ts";
import { type CarriedMessage, type MessageStore, requireTree } from "./message_store.ts";
import { type Answer, errorMessage } from "./made_up_reply.ts";
import { RunEnded, type RunTurns } from "./run_turns.ts";

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
/** Instructions that are looked up at once. */
const LOOKS_AT_ONCE = 10;
/** Replies that are handed out in one commit. */
const ANSWERS_IN_COMMIT = 100;
/** How often an instruction whose delivery was lost is handed out before it is given up. */
const MAX_DELIVERIES = 3;
/** A node changes this often while a message is handed out to it: something is wrong. */
const MAX_ATTEMPTS = 8;
/** The longest text that is looked up as the id of a message; theirs have 64 characters. */
const LONGEST_ID = 100;
/** A reply may outlive its instruction by as much, for the rounding of clocks (Flower 1.25). */
const EXPIRY_SLACK_MICROS = 100_000;

/** What messages work on. */
export interface MessagesOptions {
  readonly store: MessageStore;
  readonly objects: Objects;
  readonly nodes: Nodes;
  readonly bells: Bells;
  readonly turns: RunTurns;
  readonly handedOut: HandedOut;
  /**
   * A reply that was handed out before this time is handed out again when it is asked for: whether the
   * answer arrived is not known.
   */
  readonly repeatBeforeMicros: number;
}

/** The messages of all runs. */
export class Messages {
  readonly #store: MessageStore;
  readonly #objects: Objects;
  readonly #nodes: Nodes;
  readonly #bells: Bells;
  readonly #turns: RunTurns;
  readonly #handedOut: HandedOut;
  readonly #repeatBeforeMicros: number;
  /** One object is received by one call at a time. */
  readonly #uploads = new OneAtATime<string>();

  constructor(options: MessagesOptions) {
    this.#store = options.store;
    this.#objects = options.objects;
    this.#nodes = options.nodes;
    this.#bells = options.bells;
    this.#turns = options.turns;
    this.#handedOut = options.handedOut;
    this.#repeatBeforeMicros = options.repeatBeforeMicros;
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
    if (messages.length === 0) throw malformed("Push", "there is no message.");
    if (messages.length !== trees.length) {
      throw malformed("Push", "messages and object trees differ in number.");
    }
    const faults = messages.flatMap((message) =>
      messageFaults(message, "instruction", runId, nowMicros / MICROS_PER_SECOND)
    );
    if (faults.length > 0) throw malformed("Push", faults.join(", "));
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
        instruction?.kind !== "instruction" || instruction.nodeId !== nodeId ||
        instruction.expiresAt <= nowMicros ||
        expiresAt > instruction.expiresAt + EXPIRY_SLACK_MICROS
      ) return [];
      const known = await this.#store.replyTo(runId, replyToMessageId);
      if (known && known.messageId !== messageId) return [];
      const missing = await this.#store.put({
        messageId,
        runId,
        kind: "reply",
        nodeId,
        instructionId: replyToMessageId,
        expiresAt,
      }, carried);
      this.#handedOut.remove(nodeId, replyToMessageId);
      if (missing.length === 0) this.#bells.ring(topics.replies(runId));
      return missing;
    });
  }

  /** Stores an object that a message announced; false when none did or its id is wrong. */
  async putObject(
    runId: bigint,
    objectId: string,
    content: Uint8Array,
  ): Promise<boolean> {
    return await this.#uploads.run(`${runId}/${objectId}`, async () => {
      const received = await this.#objects.receive(runId, objectId, content);
      if (received === "unwanted") return false;
      const completed = await this.#turns.run(
        runId,
        () =>
          received === "stored"
            ? this.#store.objectIsThere(runId, objectId)
            : this.#store.putObject(runId, objectId, received),
      );
      for (const { kind, nodeId } of completed ?? []) {
        this.#bells.ring(kind === "reply" ? topics.replies(runId) : topics.inbox(nodeId));
      }
      return completed !== undefined;
    });
  }

  async getObject(runId: bigint, objectId: string): Promise<FoundObject> {
    return await this.#objects.get(runId, objectId);
  }

  /** The objects that travel with messages which are handed out to a peer that takes so many bytes. */
  async getCarried(
    runId: bigint,
    messages: readonly CarriedMessage[],
    takenBytes: bigint,
  ): Promise<CarriedObject[]> {
    const ids = messages.flatMap(({ tree }) => postOrder(tree).map(({ objectId }) => objectId));
    return await this.#objects.getCarried(runId, [...new Set(ids)], new CarryRoom(takenBytes));
  }

  /** Stores what came with a push of those objects that it left to send; gives what is still left. */
  async putCarried(
    runId: bigint,
    objectsToPush: readonly string[],
    carried: readonly CarriedObject[],
  ): Promise<string[]> {
    const left = new Set(objectsToPush);
    for (const { objectId, content } of carried) {
      if (left.has(objectId) && await this.putObject(runId, objectId, content)) {
        left.delete(objectId);
      }
    }
    return [...left];
  }

  /**
   * Hands out the oldest instruction that waits for a node. A node pulls again only when it is done
   * with the instruction before, or when that was lost on its way: then it is handed out again.
   */
  async nextInstruction(nodeId: bigint, nowMicros: number): Promise<CarriedMessage | undefined> {
    await this.#recoverLost(nodeId, nowMicros);
    for await (const { runId, messageId } of this.#store.inbox(nodeId)) {
      const carried = await unlessEnded(
        this.#turns.run(runId, () => this.#handOut(runId, messageId, nodeId, nowMicros)),
      );
      if (carried) return carried;
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
      const row = await this.#store.find(runId, messageId);
      if (row?.kind !== "instruction" || row.nodeId !== nodeId) return;
      if (row.deliveredAt === undefined || row.confirmedAt !== undefined) return;
      await this.#store.confirm(row, nowMicros);
      this.#handedOut.remove(nodeId, messageId);
    });
  }

  /** A ServerApp has all objects of a reply: nothing of the exchange is needed any more. */
  async confirmByApp(runId: bigint, messageId: string): Promise<void> {
    await this.#turns.run(runId, async () => {
      const reply = await this.#store.find(runId, messageId);
      if (reply?.kind !== "reply" || reply.deliveredAt === undefined) return;
      const instruction = await this.#store.find(runId, reply.instructionId ?? "");
      if (instruction) await this.#store.delete(instruction);
      await this.#store.delete(reply);
    });
  }

  /** Whether each of the instructions has an answer by now. */
  async areAnswered(runId: bigint, ids: readonly string[], nowMicros: number): Promise<boolean> {
    for (const some of batches(ids, LOOKS_AT_ONCE)) {
      const answers = await Promise.all(some.map((id) => this.#answer(runId, id, nowMicros)));
      if (answers.some(({ kind }) => kind === "open")) return false;
    }
    return true;
  }

  /** Hands out the answers that are there; each is given once. */
  async pullReplies(
    runId: bigint,
    ids: readonly string[],
    nowMicros: number,
    gate: Gate,
  ): Promise<CarriedMessage[]> {
    if (ids.some((id) => id.length > LONGEST_ID)) throw malformed("Pull", "an id is too long.");
    return await this.#turns.run(runId, async () => {
      await gate();
      const given: CarriedMessage[] = [];
      try {
        for (const some of batches([...new Set(ids)], ANSWERS_IN_COMMIT)) {
          await this.#giveAnswers(runId, some, nowMicros, given);
        }
      } catch (error) {
        // What was handed out before the disk failed must arrive: it is given once.
        if (!(error instanceof StorageFailure) || given.length === 0) throw error;
      }
      return given;
    });
  }

  /** Deletes everything that a run's messages left. */
  async deleteRun(runId: bigint): Promise<void> {
    await this.#turns.end(runId, () => this.#store.deleteRun(runId));
  }

  /** Adds the answers that are there to `given`, each as soon as it counts as handed out. */
  async #giveAnswers(
    runId: bigint,
    ids: readonly string[],
    nowMicros: number,
    given: CarriedMessage[],
  ): Promise<void> {
    const answers = await Promise.all(
      ids.map(async (id) => ({ id, answer: await this.#answer(runId, id, nowMicros) })),
    );
    const replies = answers.flatMap(({ answer }) => answer.kind === "reply" ? [answer.reply] : []);
    const carried = await Promise.all(replies.map((reply) => this.#store.load(reply)));
    await this.#store.deliverAll(runId, replies, nowMicros);
    given.push(...carried);
    for (const { id, answer } of answers) {
      if (answer.kind === "open" || answer.kind === "reply") continue;
      given.push(await this.#makeUp(runId, id, answer, nowMicros));
    }
  }

  async #answer(runId: bigint, id: string, nowMicros: number): Promise<Answer> {
    const instruction = await this.#store.find(runId, id);
    if (instruction?.kind !== "instruction") return { kind: "unknown-message" };
    const reply = await this.#store.replyTo(runId, id);
    const { deliveredAt } = reply ?? {};
    if (deliveredAt !== undefined && deliveredAt >= this.#repeatBeforeMicros) {
      return { kind: "unknown-message" };
    }
    if (instruction.expiresAt <= nowMicros) return { kind: "message-expired", instruction };
    const node = await this.#nodes.get(instruction.nodeId);
    if (!node || node.row.status === "unregistered") {
      return { kind: "node-unavailable", instruction };
    }
    if (reply?.complete) {
      if (reply.expiresAt <= nowMicros) return { kind: "reply-expired", instruction };
      return { kind: "reply", reply };
    }
    if (
      !node.lease || node.lease.onlineUntil <= nowMicros ||
      wasLost(instruction, node.row.joinedAt)
    ) return { kind: "node-unavailable", instruction };
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
    const before = instruction && await this.#store.load(instruction);
    const made: ErrorMessage = errorMessage(answer, instructionId, before?.message, nowMicros);
    const { objectId, objects: [object], tree } = deflateMessage(made);
    const carried = { message: pushedMessage(made, objectId), tree };
    await this.#store.put(
      {
        messageId: objectId,
        runId,
        kind: "reply",
        nodeId: SUPERLINK_NODE_ID,
        expiresAt: Number.MAX_SAFE_INTEGER,
        deliveredAt: nowMicros,
      },
      carried,
      object?.content(),
    );
    if (instruction) {
      const reply = await this.#store.replyTo(runId, instructionId);
      if (reply) await this.#store.delete(reply);
      await this.#store.delete(instruction);
    }
    return carried;
  }

  async #handOut(
    runId: bigint,
    messageId: string,
    nodeId: bigint,
    nowMicros: number,
  ): Promise<CarriedMessage | undefined> {
    const row = await this.#store.find(runId, messageId);
    if (!row || row.deliveredAt !== undefined) return undefined;
    if (row.expiresAt <= nowMicros) {
      await this.#store.delete(row);
      this.#bells.ring(topics.replies(runId));
      return undefined;
    }
    const carried = await this.#store.load(row);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      // The node may have been unregistered while the pull was held.
      const living = await this.#nodes.livingCheck(nodeId, nowMicros);
      if (!living) return undefined;
      // It does not hold when the node's row changes meanwhile, on a heartbeat after a silence, say.
      if (!await this.#store.deliver(row, nowMicros, [living])) continue;
      this.#handedOut.add(nodeId, { runId, messageId });
      return carried;
    }
    throw new Contention("A message or its node");
  }

  async #recoverLost(nodeId: bigint, nowMicros: number): Promise<void> {
    const handedOut = await this.#handedOut.to(nodeId);
    if (!handedOut) return;
    const { runId, messageId } = handedOut;
    await unlessEnded(this.#turns.run(runId, async () => {
      const row = await this.#store.find(runId, messageId);
      // A node that has replied has had all that it needs.
      const isLost = row?.deliveredAt !== undefined && row.confirmedAt === undefined &&
        !await this.#store.replyTo(runId, messageId);
      if (isLost) {
        if (row.deliveries < MAX_DELIVERIES && row.expiresAt > nowMicros) {
          await this.#store.returnToInbox(row);
        } else {
          await this.#store.delete(row);
          this.#bells.ring(topics.replies(runId));
        }
      }
      this.#handedOut.remove(nodeId);
    }));
  }

  async #canReceive(nodeId: bigint): Promise<boolean> {
    const status = (await this.#nodes.get(nodeId))?.row.status;
    return status === "online" || status === "offline";
  }
}

function malformed(what: "Push" | "Pull", text: string): StatusError {
  return new StatusError("INVALID_ARGUMENT", `Malformed ${what}Messages: ${text}`);
}

/** What a turn gave, or nothing when its run was over. */
async function unlessEnded<T>(turn: Promise<T>): Promise<T | undefined> {
  try {
    return await turn;
  } catch (error) {
    if (error instanceof RunEnded) return undefined;
    throw error;
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
