/**
 * Messages between ServerApps and nodes: what may be sent, and when it is delivered.
 *
 * @module
 */

import type { Message, ObjectTree } from "../../proto/gen/flwr/proto/message_pb.ts";
import { type CarriedObject, CarryRoom } from "../../records/carry_room.ts";
import { postOrder } from "../../records/object_tree.ts";
import { StatusError } from "../../wire/status.ts";
import { type Bells, topics } from "../bells.ts";
import type { FoundObject, Objects } from "../objects/objects.ts";
import { isWithFinishing } from "../state/handover.ts";
import type { ObjectRow } from "../state/layout.ts";
import type { Nodes } from "../state/nodes.ts";
import { Contention } from "../state/commit.ts";
import { OneAtATime } from "../state/one_at_a_time.ts";
import { Answers, type AnswersOptions } from "./answers.ts";
import { messageFaults } from "./check_message.ts";
import type { HandedOut, InstructionAddress } from "./handed_out.ts";
import type { MessageWatch } from "./message_watch.ts";
import { type CarriedMessage, type MessageStore, requireTree } from "./message_store.ts";
import { type Gate, RunEnded, type RunTurns } from "./run_turns.ts";

/** What a push leaves to do: the ids in order (`""`: not accepted) and the objects to send. */
export interface Pushed {
  readonly messageIds: string[];
  readonly objectsToPush: string[];
}

const MICROS_PER_SECOND = 1_000_000;
/** How often an instruction whose delivery was lost is handed out before it is given up. */
const MAX_DELIVERIES = 3;
/** A node changes this often while a message is handed out to it: something is wrong. */
const MAX_ATTEMPTS = 8;
/** A reply may outlive its instruction by as much, for the rounding of clocks (Flower 1.25). */
const EXPIRY_SLACK_MICROS = 100_000;

/** What messages work on. */
export interface MessagesOptions extends AnswersOptions {
  readonly objects: Objects;
  readonly bells: Bells;
  readonly handedOut: HandedOut;
  /** Told of what is sent and what comes back. */
  readonly watch?: MessageWatch | undefined;
}

/** The messages of all runs. */
export class Messages {
  /** What ServerApps are answered. */
  readonly answers: Answers;
  readonly #store: MessageStore;
  readonly #objects: Objects;
  readonly #nodes: Nodes;
  readonly #bells: Bells;
  readonly #turns: RunTurns;
  readonly #handedOut: HandedOut;
  readonly #watch: MessageWatch | undefined;
  /** One object is received by one call at a time. */
  readonly #uploads = new OneAtATime<string>();

  constructor(options: MessagesOptions) {
    this.answers = new Answers(options);
    this.#store = options.store;
    this.#objects = options.objects;
    this.#nodes = options.nodes;
    this.#bells = options.bells;
    this.#turns = options.turns;
    this.#handedOut = options.handedOut;
    this.#watch = options.watch;
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
    carriedObjects: readonly CarriedObject[] = [],
  ): Promise<Pushed> {
    if (messages.length === 0) throw malformed("there is no message.");
    if (messages.length !== trees.length) {
      throw malformed("messages and object trees differ in number.");
    }
    const faults = messages.flatMap((message) =>
      messageFaults(message, "instruction", runId, nowMicros / MICROS_PER_SECOND)
    );
    if (faults.length > 0) throw malformed(faults.join(", "));
    const carried = messages.map((message, index) => ({
      message,
      tree: requireTree(message, trees[index]),
    }));

    const brought = await this.#brought(runId, carriedObjects);
    const pushed = await this.#turns.run(runId, async () => {
      await gate();
      const messageIds: string[] = [];
      const missing = new Set<string>();
      for (const one of carried) {
        const { messageId, dstNodeId, createdAt, ttl } = metadataOf(one.message);
        if (!await this.#canReceive(dstNodeId)) {
          messageIds.push("");
          continue;
        }
        const awaited = await this.#store.put(
          {
            messageId,
            runId,
            kind: "instruction",
            nodeId: dstNodeId,
            expiresAt: Math.round((createdAt + ttl) * MICROS_PER_SECOND),
          },
          one,
          brought,
        );
        messageIds.push(messageId);
        this.#watch?.instructed(one.message, one.tree);
        for (const objectId of awaited) missing.add(objectId);
        if (awaited.length === 0) this.#bells.ring(topics.inbox(dstNodeId));
      }
      return { messageIds, objectsToPush: [...missing] };
    });
    const { messageIds, objectsToPush } = pushed;
    return { messageIds, objectsToPush: await this.#putBrought(runId, objectsToPush, brought) };
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
    carriedObjects: readonly CarriedObject[] = [],
  ): Promise<string[]> {
    const faults = messageFaults(message, "reply", runId, nowMicros / MICROS_PER_SECOND);
    if (faults.length > 0) return [];
    const carried = { message, tree: requireTree(message, tree) };
    const { messageId, srcNodeId, replyToMessageId, createdAt, ttl } = metadataOf(message);
    if (srcNodeId !== nodeId) return [];
    const expiresAt = Math.round((createdAt + ttl) * MICROS_PER_SECOND);
    const brought = await this.#brought(runId, carriedObjects);
    const objectsToPush = await this.#turns.run(runId, async () => {
      await gate();
      const instruction = await this.#store.find(runId, replyToMessageId);
      if (
        instruction?.kind !== "instruction" || instruction.nodeId !== nodeId ||
        instruction.expiresAt <= nowMicros ||
        expiresAt > instruction.expiresAt + EXPIRY_SLACK_MICROS
      ) return [];
      const known = await this.#store.replyTo(runId, replyToMessageId);
      if (known && known.messageId !== messageId) return [];
      const missing = await this.#store.put(
        {
          messageId,
          runId,
          kind: "reply",
          nodeId,
          instructionId: replyToMessageId,
          expiresAt,
        },
        carried,
        brought,
      );
      this.#handedOut.remove(nodeId, replyToMessageId);
      if (!known) this.#watch?.replied(message, carried.tree);
      if (missing.length === 0) {
        this.#watch?.completed({ messageId });
        this.#bells.ring(topics.replies(runId));
      }
      return missing;
    });
    return await this.#putBrought(runId, objectsToPush, brought);
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
      this.#watch?.stored(runId, objectId, content);
      const completed = await this.#turns.run(
        runId,
        () =>
          received === "stored"
            ? this.#store.objectIsThere(runId, objectId)
            : this.#store.putObject(runId, objectId, received),
      );
      for (const row of completed ?? []) {
        const { kind, nodeId } = row;
        if (kind === "reply") this.#watch?.completed(row);
        this.#bells.ring(kind === "reply" ? topics.replies(runId) : topics.inbox(nodeId));
      }
      return completed !== undefined;
    });
  }

  /** The rows of objects that came with messages. */
  async #brought(
    runId: bigint,
    carriedObjects: readonly CarriedObject[],
  ): Promise<ReadonlyMap<string, ObjectRow>> {
    const rows = await this.#objects.carriedRows(carriedObjects);
    if (this.#watch) {
      for (const [objectId, { inline }] of rows) {
        if (inline) this.#watch.stored(runId, objectId, inline);
      }
    }
    return rows;
  }

  /** Stores what came with messages and was not stored with them; gives what is still missing. */
  async #putBrought(
    runId: bigint,
    objectsToPush: readonly string[],
    brought: ReadonlyMap<string, ObjectRow>,
  ): Promise<string[]> {
    const left: string[] = [];
    for (const objectId of objectsToPush) {
      const content = brought.get(objectId)?.inline;
      const isStored = content && await this.putObject(runId, objectId, content);
      if (!isStored) left.push(objectId);
    }
    return left;
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

  /**
   * Hands out the oldest instruction that waits for a node. A node pulls again only when it is done
   * with the instruction before, or when that was lost on its way: then it is handed out again.
   */
  async nextInstruction(nodeId: bigint, nowMicros: number): Promise<CarriedMessage | undefined> {
    for (const handedOut of await this.#handedOut.to(nodeId)) {
      await this.#recoverLost(nodeId, handedOut, nowMicros);
    }
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

  /** The same of a node that says so with its next pull, when the run may be over. */
  async confirmWithPull(...confirmation: Parameters<Messages["confirmByNode"]>): Promise<void> {
    await unlessEnded(this.confirmByNode(...confirmation));
  }

  /** Deletes everything that a run's messages left. */
  async deleteRun(runId: bigint): Promise<void> {
    await this.#turns.end(runId, () => this.#store.deleteRun(runId));
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

  async #recoverLost(
    nodeId: bigint,
    { runId, messageId }: InstructionAddress,
    nowMicros: number,
  ): Promise<void> {
    const isOpen = await unlessEnded(this.#turns.run(runId, async () => {
      const row = await this.#store.find(runId, messageId);
      const node = await this.#nodes.get(nodeId);
      if (row && node && isWithFinishing(row, node.row, nowMicros)) return true;
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
      this.#handedOut.remove(nodeId, messageId);
      return true;
    }));
    if (!isOpen) this.#handedOut.remove(nodeId, messageId);
  }

  async #canReceive(nodeId: bigint): Promise<boolean> {
    const status = (await this.#nodes.get(nodeId))?.row.status;
    return status === "online" || status === "offline";
  }
}

function malformed(text: string): StatusError {
  return new StatusError("INVALID_ARGUMENT", `Malformed PushMessages: ${text}`);
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

function metadataOf({ metadata }: Message) {
  if (!metadata) throw new StatusError("INVALID_ARGUMENT", "The message has no metadata.");
  return metadata;
}
