import { postOrder, type TreeEntry } from "../records/object_tree.ts";
import { ErrorCode } from "../records/error_code.ts";
import { inflateMessage } from "../records/inflate.ts";
import { type ContentMessage, createInstruction, type Message } from "../records/message.ts";
import { SUPERLINK_NODE_ID } from "../records/metadata.ts";
import type { RecordDict } from "../records/record_dict.ts";
import { pullObjects } from "./pull.ts";
import { pushMessages } from "./push.ts";
import type { Envelope, ServerAppApi } from "./server_app_api.ts";
import { type GridClock, systemGridClock } from "./grid_clock.ts";

/** An instruction to a node. */
export interface InstructionOptions {
  readonly dstNodeId: bigint;
  /** `train`, `evaluate` or `query`, optionally with `.` and an action's name. */
  readonly messageType: string;
  readonly content: RecordDict;
  /** Free text, empty by default. */
  readonly groupId?: string;
  /** How long the SuperLink keeps the instruction and its reply; 12 hours by default. */
  readonly ttlSeconds?: number;
}

/** How many replies have come, told after each. */
export interface Progress {
  readonly reply: Message;
  readonly received: number;
  readonly expected: number;
}

/** Options of {@linkcode Grid.sendAndReceive}. */
export interface SendOptions {
  /** How long to wait for replies; without it, as long as the messages live. */
  readonly timeoutSeconds?: number | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** The pause after a pull that found nothing doubles from the first to the last. */
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 3_000;

/**
 * The nodes of a run, as its ServerApp sees them.
 *
 * ```ts
 * import { RecordDict, ServerApp } from "@trellis/sdk";
 *
 * export const app = new ServerApp(async (grid) => {
 *   const messages = (await grid.getNodeIds()).map((dstNodeId) =>
 *     grid.createMessage({ dstNodeId, messageType: "query.hello", content: new RecordDict() })
 *   );
 *   const replies = await grid.sendAndReceive(messages, {
 *     timeoutSeconds: 60,
 *     onProgress: ({ received, expected }) => console.log(`${received} of ${expected}`),
 *   });
 *   for (const reply of replies) console.log(reply.metadata.srcNodeId, reply.error?.reason);
 * });
 * ```
 */
export class Grid {
  readonly runId: bigint;
  readonly #api: ServerAppApi;
  readonly #clock: GridClock;
  #lastCreatedAtSeconds = 0;
  /** Confirmations that are on their way; comes with what went wrong, if anything did. */
  #confirmed: Promise<unknown> = Promise.resolve();

  constructor(runId: bigint, api: ServerAppApi, clock: GridClock = systemGridClock) {
    this.runId = runId;
    this.#api = api;
    this.#clock = clock;
  }

  /** The ids of the nodes that are online now. */
  async getNodeIds(): Promise<readonly bigint[]> {
    return await this.#api.getNodeIds();
  }

  /**
   * Makes an instruction, which is sent by {@linkcode sendAndReceive} or {@linkcode pushMessages}.
   *
   * @throws {RecordError} when the message type is not one of Flower's.
   */
  createMessage(options: InstructionOptions): ContentMessage {
    return createInstruction({
      ...options,
      runId: this.runId,
      nowSeconds: this.#uniqueNowSeconds(),
    });
  }

  /**
   * Sends instructions. Gives their ids in order; an id is empty when the run has no such node.
   */
  async pushMessages(messages: readonly Message[]): Promise<readonly string[]> {
    if (messages.length === 0) return [];
    await this.settle();
    return await pushMessages(this.#api, messages);
  }

  /**
   * The replies to the instructions with these ids that are there, each given once. A reply whose
   * objects cannot be had is an error with the code `MESSAGE_UNAVAILABLE`.
   *
   * @throws {RecordError} when a reply is malformed.
   */
  async pullMessages(messageIds: readonly string[]): Promise<readonly Message[]> {
    if (messageIds.length === 0) return [];
    await this.settle();
    const pulled = (await this.#api.pullMessages(messageIds))
      .map((envelope) => ({ envelope, entries: postOrder(envelope.tree) }));
    const entries = pulled.flatMap(({ entries }) => entries);
    const contents = await pullObjects(entries, (objectId) => this.#api.pullObject(objectId));
    // The app need not wait for that.
    this.#confirmed = Promise.all(
      pulled.filter(({ entries }) => missingIn(entries, contents) === undefined)
        .map(({ envelope }) => this.#api.confirmMessage(envelope.tree.objectId)),
    ).then(() => undefined, (error) => error);
    const uses = new Map<string, number>();
    for (const { objectId } of entries) uses.set(objectId, (uses.get(objectId) ?? 0) + 1);
    return pulled.map(({ envelope, entries }) => {
      const message = this.#receive(envelope, entries, contents);
      // Large arrays have been put together from their chunks, which need not stay until the end.
      for (const { objectId } of entries) {
        const left = (uses.get(objectId) ?? 0) - 1;
        uses.set(objectId, left);
        if (left === 0) contents.delete(objectId);
      }
      return message;
    });
  }

  /**
   * Sends instructions and waits for their replies, in the order in which they come. There are fewer
   * replies than instructions when `timeoutSeconds` have passed. Errors count as replies, so look at
   * `reply.error`.
   */
  async sendAndReceive(
    messages: readonly Message[],
    { timeoutSeconds = Infinity, onProgress }: SendOptions = {},
  ): Promise<readonly Message[]> {
    const deadlineMs = this.#clock.nowMs() + timeoutSeconds * 1000;
    const replies: Message[] = [];
    const take = (reply: Message) => {
      replies.push(reply);
      onProgress?.({ reply, received: replies.length, expected: messages.length });
    };

    const messageIds = await this.pushMessages(messages);
    messages.forEach((message, index) => {
      if (messageIds[index]) return;
      take(this.#unavailable("", `The run has no node ${message.metadata.dstNodeId}.`));
    });
    const open = new Set(messageIds.filter((messageId) => messageId !== ""));
    let pauseMs = FIRST_PAUSE_MS;
    while (open.size > 0 && this.#clock.nowMs() < deadlineMs) {
      const startMs = this.#clock.nowMs();
      for (const reply of await this.pullMessages([...open])) {
        if (!open.delete(reply.metadata.replyToMessageId)) continue;
        take(reply);
        pauseMs = FIRST_PAUSE_MS;
      }
      if (open.size === 0) break;
      // A SuperLink that holds a pull has done the waiting.
      const nowMs = this.#clock.nowMs();
      const waitMs = Math.min(startMs + pauseMs, deadlineMs) - nowMs;
      if (waitMs > 0) await this.#clock.sleep(waitMs);
      pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS);
    }
    return replies;
  }

  /**
   * Waits until the SuperLink knows which replies have arrived, as the next call does. Throws what
   * kept it from that.
   */
  async settle(): Promise<void> {
    const error = await this.#confirmed;
    this.#confirmed = Promise.resolve();
    if (error !== undefined) throw error;
  }

  /** Waits, by the clock that the grid was made with. */
  sleep(ms: number): Promise<void> {
    return this.#clock.sleep(ms);
  }

  #receive(
    { message, tree }: Envelope,
    entries: readonly TreeEntry[],
    contents: ReadonlyMap<string, Uint8Array>,
  ): Message {
    const missing = missingIn(entries, contents);
    if (missing === undefined) return inflateMessage(tree.objectId, contents);
    return this.#unavailable(
      message.metadata?.replyToMessageId ?? "",
      `The object ${missing} of the reply could not be pulled.`,
    );
  }

  /** The error that Flower's Grid makes for a reply that it cannot get. */
  #unavailable(replyToMessageId: string, reason: string): Message {
    return {
      metadata: {
        runId: this.runId,
        messageId: "",
        srcNodeId: SUPERLINK_NODE_ID,
        dstNodeId: SUPERLINK_NODE_ID,
        replyToMessageId,
        groupId: "",
        ttlSeconds: 0,
        messageType: "system",
        createdAtSeconds: this.#clock.nowMs() / 1000,
      },
      error: { code: ErrorCode.MESSAGE_UNAVAILABLE, reason },
    };
  }

  /** Two messages that differ in nothing else would have one id. */
  #uniqueNowSeconds(): number {
    const nowSeconds = this.#clock.nowMs() / 1000;
    this.#lastCreatedAtSeconds = Math.max(nowSeconds, this.#lastCreatedAtSeconds + 1e-6);
    return this.#lastCreatedAtSeconds;
  }
}

/** The first of the objects that could not be pulled. */
function missingIn(
  entries: readonly TreeEntry[],
  contents: ReadonlyMap<string, Uint8Array>,
): string | undefined {
  return entries.find(({ objectId }) => !contents.has(objectId))?.objectId;
}
