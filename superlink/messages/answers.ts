/**
 * What ServerApps are answered: the replies of nodes, and errors in place of those that will not come.
 *
 * @module
 */

import { deflateMessage } from "../../records/deflate.ts";
import { type ErrorMessage, pushedMessage } from "../../records/message.ts";
import { SUPERLINK_NODE_ID } from "../../records/metadata.ts";
import { StatusError } from "../../wire/status.ts";
import { batches } from "../state/batches.ts";
import { StorageFailure } from "../state/commit.ts";
import { isInNoHand } from "../state/handover.ts";
import type { Nodes } from "../state/nodes.ts";
import { type Answer, errorMessage } from "./made_up_reply.ts";
import type { CarriedMessage, MessageStore } from "./message_store.ts";
import type { Gate, RunTurns } from "./run_turns.ts";

/** Instructions that are looked up at once. */
const LOOKS_AT_ONCE = 10;
/** Replies that are handed out in one commit. */
const ANSWERS_IN_COMMIT = 100;
/** The longest text that is looked up as the id of a message; theirs have 64 characters. */
const LONGEST_ID = 100;

/** What answers are made from. */
export interface AnswersOptions {
  readonly store: MessageStore;
  readonly nodes: Nodes;
  readonly turns: RunTurns;
  /**
   * A reply that was handed out before this time is handed out again when it is asked for: whether the
   * answer arrived is not known.
   */
  readonly repeatBeforeMicros: number;
}

/** The answers to the instructions of all runs. */
export class Answers {
  readonly #store: MessageStore;
  readonly #nodes: Nodes;
  readonly #turns: RunTurns;
  readonly #repeatBeforeMicros: number;

  constructor({ store, nodes, turns, repeatBeforeMicros }: AnswersOptions) {
    this.#store = store;
    this.#nodes = nodes;
    this.#turns = turns;
    this.#repeatBeforeMicros = repeatBeforeMicros;
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
    if (ids.some((id) => id.length > LONGEST_ID)) {
      throw new StatusError("INVALID_ARGUMENT", "Malformed PullMessages: an id is too long.");
    }
    // A turn that is lost to another SuperLink begins anew, and what was made up in it is stored.
    const madeUp = new Map<string, CarriedMessage>();
    return await this.#turns.run(runId, async () => {
      await gate();
      const given = [...madeUp.values()];
      const left = [...new Set(ids)].filter((id) => !madeUp.has(id));
      try {
        for (const some of batches(left, ANSWERS_IN_COMMIT)) {
          await this.#giveAnswers(runId, some, nowMicros, given, madeUp);
        }
      } catch (error) {
        // What was handed out before the disk failed must arrive: it is given once.
        if (!(error instanceof StorageFailure) || given.length === 0) throw error;
      }
      return given;
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

  /**
   * Adds the answers that are there to `given`, each as soon as it counts as handed out, and to `madeUp`,
   * by their instructions, those that are no node's.
   */
  async #giveAnswers(
    runId: bigint,
    ids: readonly string[],
    nowMicros: number,
    given: CarriedMessage[],
    madeUp: Map<string, CarriedMessage>,
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
      const made = await this.#makeUp(runId, id, answer, nowMicros);
      madeUp.set(id, made);
      given.push(made);
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
      // A process that joined after it was fetched knows nothing of it.
      isInNoHand(instruction, node.row, nowMicros)
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
      new Map(object ? [[objectId, { stored: true, inline: object.content() }]] : []),
    );
    if (instruction) {
      const reply = await this.#store.replyTo(runId, instructionId);
      if (reply) await this.#store.delete(reply);
      await this.#store.delete(instruction);
    }
    return carried;
  }
}
