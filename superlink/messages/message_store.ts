/**
 * The messages of runs on disk: instructions on their way to nodes, and replies on their way back.
 *
 * A message counts as there when all objects of its tree are: only then does an instruction get into
 * its node's inbox, because a peer that asks for an object too early waits a second and more.
 *
 * @module
 */

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { PullAppMessagesResponseSchema } from "../../proto/gen/flwr/proto/appio_pb.ts";
import type { Message, ObjectTree } from "../../proto/gen/flwr/proto/message_pb.ts";
import { postOrder, type TreeEntry } from "../../records/object_tree.ts";
import { deletePrefix, type Objects } from "../objects/objects.ts";
import { commit } from "../state/commit.ts";
import { keys, type MessageRow } from "../state/layout.ts";
import { StatusError } from "../../wire/status.ts";

/** A message with the tree of its objects, as it travels. */
export interface CarriedMessage {
  readonly message: Message;
  readonly tree: ObjectTree;
}

/** What of a message's row is known when it is stored. */
export type NewMessage = Pick<
  MessageRow,
  "messageId" | "runId" | "kind" | "nodeId" | "instructionId" | "expiresAt" | "deliveredAt"
>;

/** A row with what a later commit checks. */
export interface MessageEntry {
  readonly row: MessageRow;
  readonly versionstamp: string;
}

/** A Deno KV value has at most 64 KiB. */
const PART_BYTES = 60_000;
/** Parts that go into the commit which makes a message visible; more go ahead of it. */
const PARTS_IN_COMMIT = 8;

/** Stores, completes, finds and deletes messages. Callers that change one run's take turns. */
export class MessageStore {
  readonly #kv: Deno.Kv;
  readonly #objects: Objects;
  /** For each object that is awaited, the messages that wait for it. Rebuilt from disk. */
  readonly #awaiting = new Map<string, Map<string, MessageRow>>();
  /** For each incomplete message, the objects that it waits for. */
  readonly #waitsFor = new Map<string, Set<string>>();
  #lastNumber = 0;
  /** Instructions that an earlier process handed out and that were not confirmed. */
  readonly unconfirmed: MessageRow[] = [];

  private constructor(kv: Deno.Kv, objects: Objects) {
    this.#kv = kv;
    this.#objects = objects;
  }

  /** Finds the messages of open runs whose objects are still on their way. */
  static async open(kv: Deno.Kv, objects: Objects): Promise<MessageStore> {
    const store = new MessageStore(kv, objects);
    for await (const { key } of kv.list({ prefix: keys.openRuns })) {
      const runId = key.at(-1);
      if (typeof runId !== "bigint") continue;
      for await (const { value } of kv.list<MessageRow>({ prefix: keys.messages(runId) })) {
        store.#lastNumber = Math.max(store.#lastNumber, value.number);
        const { kind, deliveredAt, confirmedAt } = value;
        if (kind === "instruction" && deliveredAt !== undefined && confirmedAt === undefined) {
          store.unconfirmed.push(value);
        }
        if (value.complete) continue;
        const ids = (await store.entries(value)).map(({ objectId }) => objectId);
        const missing = await objects.missing(runId, ids);
        if (missing.length > 0) store.#await(value, missing);
        else await store.#complete([value]);
      }
    }
    return store;
  }

  /**
   * Stores a message and announces its objects; gives the ids of those that are not stored yet.
   * Storing the same message again changes nothing and gives what is still missing, so that a peer
   * whose answer was lost can ask again.
   */
  async put(fresh: NewMessage, { message, tree }: CarriedMessage): Promise<string[]> {
    const { runId, messageId } = fresh;
    const entries = postOrder(tree);
    const ids = entries.map(({ objectId }) => objectId);
    const missing = await this.#objects.missing(runId, ids);
    if (await this.find(runId, messageId)) return missing;

    const bytes = toBinary(
      PullAppMessagesResponseSchema,
      create(PullAppMessagesResponseSchema, {
        messagesList: [message],
        messageObjectTrees: [tree],
      }),
    );
    const parts: Uint8Array[] = [];
    for (let start = 0; start < bytes.length; start += PART_BYTES) {
      parts.push(bytes.subarray(start, start + PART_BYTES));
    }
    await this.#objects.announce(runId, messageId, entries, new Set(missing));
    const row: MessageRow = {
      ...fresh,
      partCount: parts.length,
      complete: missing.length === 0,
      number: this.#nextNumber(),
      deliveries: 0,
    };
    for (const [index, part] of parts.slice(PARTS_IN_COMMIT).entries()) {
      const key = keys.part(runId, messageId, PARTS_IN_COMMIT + index);
      await commit(this.#kv.atomic().set(key, part));
    }
    const operation = this.#kv.atomic().set(keys.message(runId, messageId), row);
    for (const [index, part] of parts.slice(0, PARTS_IN_COMMIT).entries()) {
      operation.set(keys.part(runId, messageId, index), part);
    }
    if (row.instructionId !== undefined) {
      operation.set(keys.reply(runId, row.instructionId), messageId);
    } else if (row.complete && row.deliveredAt === undefined) operation.set(keys.inbox(row), null);
    await commit(operation);
    if (missing.length > 0) this.#await(row, missing);
    return missing;
  }

  /** Takes note that an object is stored; gives the messages that it completes. */
  async objectStored(runId: bigint, objectId: string): Promise<MessageRow[]> {
    const waiting = this.#awaiting.get(awaited(runId, objectId));
    if (!waiting) return [];
    this.#awaiting.delete(awaited(runId, objectId));
    const completed: MessageRow[] = [];
    for (const row of waiting.values()) {
      const objects = this.#waitsFor.get(row.messageId);
      objects?.delete(objectId);
      if (objects?.size !== 0) continue;
      this.#waitsFor.delete(row.messageId);
      completed.push(row);
    }
    await this.#complete(completed);
    return completed;
  }

  async find(runId: bigint, messageId: string): Promise<MessageEntry | undefined> {
    const found = await this.#kv.get<MessageRow>(keys.message(runId, messageId));
    return found.versionstamp === null
      ? undefined
      : { row: found.value, versionstamp: found.versionstamp };
  }

  /** The reply to an instruction, complete or not. */
  async replyTo(runId: bigint, instructionId: string): Promise<MessageEntry | undefined> {
    const { value } = await this.#kv.get<string>(keys.reply(runId, instructionId));
    return value === null ? undefined : await this.find(runId, value);
  }

  /** The instructions that wait for a node, oldest first. */
  async *inbox(nodeId: bigint): AsyncGenerator<MessageEntry> {
    for await (const { key } of this.#kv.list({ prefix: keys.inboxes(nodeId) })) {
      const [runId, messageId] = key.slice(-2);
      if (typeof runId !== "bigint" || typeof messageId !== "string") continue;
      const entry = await this.find(runId, messageId);
      if (entry) yield entry;
      else await commit(this.#kv.atomic().delete(key));
    }
  }

  /** The message itself and its tree. */
  async load(row: MessageRow): Promise<CarriedMessage> {
    const parts: Uint8Array[] = [];
    for (let index = 0; index < row.partCount; index++) {
      const { value } = await this.#kv.get<Uint8Array>(
        keys.part(row.runId, row.messageId, index),
      );
      if (value) parts.push(value);
    }
    const { messagesList: [message], messageObjectTrees: [tree] } = fromBinary(
      PullAppMessagesResponseSchema,
      joined(parts),
    );
    if (!message || !tree) throw new Error(`Message ${row.messageId} is not whole on disk.`);
    return { message, tree };
  }

  /** Notes that a message is handed out, if it and all of `checks` are as they were. */
  async deliver(
    { row, versionstamp }: MessageEntry,
    nowMicros: number,
    checks: readonly Deno.AtomicCheck[] = [],
  ): Promise<boolean> {
    const key = keys.message(row.runId, row.messageId);
    const delivered: MessageRow = {
      ...row,
      deliveredAt: nowMicros,
      deliveries: row.deliveries + 1,
    };
    const operation = this.#kv.atomic()
      .check({ key, versionstamp }, ...checks)
      .set(key, delivered)
      .delete(keys.inbox(row));
    return await commit(operation) !== undefined;
  }

  /** Puts an instruction that was lost on its way back into its node's inbox. */
  async returnToInbox({ row, versionstamp }: MessageEntry): Promise<void> {
    const key = keys.message(row.runId, row.messageId);
    const { deliveredAt: _, ...rest } = row;
    await commit(
      this.#kv.atomic().check({ key, versionstamp }).set(key, rest).set(keys.inbox(row), null),
    );
  }

  /** Notes that the receiver has all objects of a message, and lets go of them. */
  async confirm({ row, versionstamp }: MessageEntry, nowMicros: number): Promise<void> {
    const key = keys.message(row.runId, row.messageId);
    const entries = await this.entries(row);
    await commit(
      this.#kv.atomic().check({ key, versionstamp }).set(key, { ...row, confirmedAt: nowMicros }),
    );
    await this.#objects.release(row.runId, row.messageId, entries);
  }

  /** Deletes a message and lets go of its objects. */
  async delete(row: MessageRow): Promise<void> {
    const entries = row.confirmedAt === undefined ? await this.entries(row) : [];
    const operation = this.#kv.atomic()
      .delete(keys.message(row.runId, row.messageId))
      .delete(keys.inbox(row));
    for (let index = 0; index < row.partCount; index++) {
      operation.delete(keys.part(row.runId, row.messageId, index));
    }
    if (row.instructionId !== undefined) {
      operation.delete(keys.reply(row.runId, row.instructionId));
    }
    await commit(operation);
    this.#stopWaiting(row);
    await this.#objects.release(row.runId, row.messageId, entries);
  }

  /** Deletes all messages and objects of a run. */
  async deleteRun(runId: bigint): Promise<void> {
    for await (const { value } of this.#kv.list<MessageRow>({ prefix: keys.messages(runId) })) {
      this.#stopWaiting(value);
      await commit(this.#kv.atomic().delete(keys.inbox(value)));
    }
    await deletePrefix(this.#kv, keys.replies(runId));
    await deletePrefix(this.#kv, keys.parts(runId));
    await deletePrefix(this.#kv, keys.messages(runId));
    await this.#objects.deleteRun(runId);
  }

  /** The objects of a message, children first. */
  async entries(row: MessageRow): Promise<TreeEntry[]> {
    return postOrder((await this.load(row)).tree);
  }

  async #complete(rows: readonly MessageRow[]): Promise<void> {
    for (let start = 0; start < rows.length; start += 300) {
      const operation = this.#kv.atomic();
      for (const row of rows.slice(start, start + 300)) {
        const complete: MessageRow = { ...row, complete: true };
        operation.set(keys.message(row.runId, row.messageId), complete);
        if (row.kind === "instruction" && row.deliveredAt === undefined) {
          operation.set(keys.inbox(row), null);
        }
      }
      await commit(operation);
    }
  }

  #await(row: MessageRow, missing: readonly string[]): void {
    this.#waitsFor.set(row.messageId, new Set(missing));
    for (const objectId of missing) {
      const key = awaited(row.runId, objectId);
      const waiting = this.#awaiting.get(key) ?? new Map();
      waiting.set(row.messageId, row);
      this.#awaiting.set(key, waiting);
    }
  }

  #stopWaiting(row: MessageRow): void {
    for (const objectId of this.#waitsFor.get(row.messageId) ?? []) {
      const key = awaited(row.runId, objectId);
      const waiting = this.#awaiting.get(key);
      waiting?.delete(row.messageId);
      if (waiting?.size === 0) this.#awaiting.delete(key);
    }
    this.#waitsFor.delete(row.messageId);
  }

  /** The order of a node's instructions: the order in which they came. */
  #nextNumber(): number {
    this.#lastNumber = Math.max(this.#lastNumber + 1, Date.now() * 1000);
    return this.#lastNumber;
  }
}

/** The tree of a pushed message, checked: `INVALID_ARGUMENT` when it is none. */
export function requireTree(message: Message, tree: ObjectTree | undefined): ObjectTree {
  if (tree?.objectId === message.metadata?.messageId && tree !== undefined) return tree;
  throw new StatusError("INVALID_ARGUMENT", "A message's object tree must begin with its id.");
}

function awaited(runId: bigint, objectId: string): string {
  return `${runId}/${objectId}`;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only) return only;
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
