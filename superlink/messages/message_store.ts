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
import { objectsOf } from "../objects/message_objects.ts";
import type { Objects } from "../objects/objects.ts";
import { Contention } from "../state/commit.ts";
import { deletePrefix } from "../state/delete_prefix.ts";
import { keys, type MessageRow, type ObjectRow } from "../state/layout.ts";
import { StatusError } from "../../wire/status.ts";
import {
  type AwaitedObjects,
  DerivedAwaitedObjects,
  LocalAwaitedObjects,
} from "./awaited_objects.ts";
import { CachedRows, type Found, type MessageRows, StoredRows } from "./message_rows.ts";
import type { RunTurns } from "./run_turns.ts";

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

/** A Deno KV value has at most 64 KiB. */
const PART_BYTES = 60_000;
/** Parts that go into the commit which makes a message visible; more go ahead of it. */
const PARTS_IN_COMMIT = 4;
/** Objects that go into it; the sum of all values that are written at once has at most 800 KiB. */
const OBJECTS_IN_COMMIT = 16;

/** What the store works on. */
export interface MessageStoreOptions {
  readonly kv: Deno.Kv;
  readonly objects: Objects;
  readonly turns: RunTurns;
}

/** Stores, completes, finds and deletes messages. What changes a run's is called in the run's turn. */
export class MessageStore {
  readonly #kv: Deno.Kv;
  readonly #objects: Objects;
  readonly #turns: RunTurns;
  readonly #rows: MessageRows;
  readonly #awaited: AwaitedObjects;
  #lastNumber = 0;

  private constructor(
    { kv, objects, turns }: MessageStoreOptions,
    rows: MessageRows,
    awaited: AwaitedObjects,
  ) {
    this.#kv = kv;
    this.#objects = objects;
    this.#turns = turns;
    this.#rows = rows;
    this.#awaited = awaited;
  }

  /** The store of several SuperLinks on one database. */
  static shared(options: MessageStoreOptions): MessageStore {
    const { kv, objects, turns } = options;
    const rows = new StoredRows(kv, turns);
    const awaited = new DerivedAwaitedObjects(
      objects,
      rows,
      async (row) => objectsOf((await load(kv, row)).tree),
    );
    return new MessageStore(options, rows, awaited);
  }

  /**
   * The store of a SuperLink that is alone on its database. Finds the messages of open runs whose
   * objects are still on their way, and the instructions that an earlier process handed out and that
   * were not confirmed.
   */
  static async open(
    options: MessageStoreOptions,
  ): Promise<{ store: MessageStore; unconfirmed: MessageRow[] }> {
    const { kv, objects, turns } = options;
    const rows = await CachedRows.open(kv, turns);
    const awaited = new LocalAwaitedObjects();
    const store = new MessageStore(options, rows, awaited);
    const unconfirmed: MessageRow[] = [];
    for (const row of [...rows.all()]) {
      store.#lastNumber = Math.max(store.#lastNumber, row.number);
      const { runId, kind, deliveredAt, confirmedAt } = row;
      if (kind === "instruction" && deliveredAt !== undefined && confirmedAt === undefined) {
        unconfirmed.push(row);
      }
      if (row.complete) continue;
      const { objectIds } = objectsOf((await store.load(row)).tree);
      const missing = await objects.missing(runId, objectIds);
      if (missing.length > 0) awaited.add(row, missing);
      else await rows.saveAll(runId, [complete(row)], kv.atomic());
    }
    return { store, unconfirmed };
  }

  /**
   * Stores a message and announces its objects; gives the ids of those that are not stored yet.
   * Storing the same message again changes nothing and gives what is still missing, so that a peer
   * whose answer was lost can ask again.
   *
   * @param brought the rows of objects that came with it, which need not be pushed any more. Those
   * that another message waits for are still missing: it is completed when they are stored.
   */
  async put(
    fresh: NewMessage,
    { message, tree }: CarriedMessage,
    brought: ReadonlyMap<string, ObjectRow>,
  ): Promise<string[]> {
    const { runId, messageId } = fresh;
    const objects = objectsOf(tree);
    const known = await this.#rows.find(runId, messageId);
    if (known) return known.complete ? [] : await this.#objects.missing(runId, objects.objectIds);

    const parts = cut(toBinary(
      PullAppMessagesResponseSchema,
      create(PullAppMessagesResponseSchema, {
        messagesList: [message],
        messageObjectTrees: [tree],
      }),
    ));
    for (const [index, part] of parts.slice(PARTS_IN_COMMIT).entries()) {
      const key = keys.part(runId, messageId, PARTS_IN_COMMIT + index);
      await this.#turns.commit(runId, this.#turns.atomic(runId).set(key, part));
    }
    const awaits = (objectIds: readonly string[]) => this.#awaited.of(runId, objectIds);
    let awaited: string[] = [];
    await this.#objects.announce(runId, messageId, objects, awaits, async (operation, missing) => {
      const here = missing.filter((objectId) => brought.has(objectId));
      // Nobody can wait for what was never announced.
      const unknown = await this.#objects.unknown(runId, here.slice(0, OBJECTS_IN_COMMIT));
      const stored = new Set(unknown);
      for (const objectId of stored) {
        operation.set(keys.object(runId, objectId), brought.get(objectId));
      }
      awaited = missing.filter((objectId) => !stored.has(objectId));
      for (const [index, part] of parts.slice(0, PARTS_IN_COMMIT).entries()) {
        operation.set(keys.part(runId, messageId, index), part);
      }
      const row: MessageRow = {
        ...fresh,
        partCount: parts.length,
        complete: awaited.length === 0,
        number: this.#nextNumber(),
        deliveries: 0,
      };
      if (!await this.#rows.save(row, operation)) throw new Contention("A message");
      this.#awaited.add(row, awaited);
    });
    return awaited;
  }

  /**
   * Stores an object that {@linkcode Objects.receive} has checked; gives the messages that it
   * completes, or `undefined` when no message needs it any more.
   */
  async putObject(
    runId: bigint,
    objectId: string,
    object: ObjectRow,
  ): Promise<MessageRow[] | undefined> {
    const completed = await this.#awaited.onlyAwaiting(runId, objectId);
    const stored = await this.#objects.store(
      runId,
      objectId,
      object,
      (operation) => this.#rows.saveAll(runId, completed.map(complete), operation),
    );
    if (!stored) return undefined;
    this.#awaited.arrived(runId, objectId);
    return completed;
  }

  /** Completes what still waits for an object that was stored when the disk then failed. */
  async objectIsThere(runId: bigint, objectId: string): Promise<MessageRow[]> {
    const waiting = await this.#awaited.onlyAwaiting(runId, objectId);
    // Some of many may have been completed before the disk failed, and be handed out since.
    const rows = await Promise.all(waiting.map(({ messageId }) => this.find(runId, messageId)));
    const completed = rows.flatMap((row) => row && !row.complete ? [row] : []);
    if (completed.length > 0) {
      await this.#rows.saveAll(runId, completed.map(complete), this.#turns.atomic(runId));
    }
    this.#awaited.arrived(runId, objectId);
    return completed;
  }

  find(runId: bigint, messageId: string): Found {
    return this.#rows.find(runId, messageId);
  }

  /** The reply to an instruction, complete or not. */
  replyTo(runId: bigint, instructionId: string): Found {
    return this.#rows.replyTo(runId, instructionId);
  }

  /** The instructions that wait for a node, oldest first. */
  async *inbox(nodeId: bigint): AsyncGenerator<MessageRow> {
    for await (const { key } of this.#kv.list({ prefix: keys.inboxes(nodeId) })) {
      const [runId, messageId] = key.slice(-2);
      if (typeof runId !== "bigint" || typeof messageId !== "string") continue;
      // Not known: its run ended while the list was read.
      const row = await this.find(runId, messageId);
      if (row) yield row;
    }
  }

  /** The message itself and its tree. */
  load(row: MessageRow): Promise<CarriedMessage> {
    return load(this.#kv, row);
  }

  /** Notes that a message is handed out, unless it is gone or one of `checks` does not hold. */
  async deliver(
    row: MessageRow,
    nowMicros: number,
    checks: readonly Deno.AtomicCheck[] = [],
  ): Promise<boolean> {
    const delivered = { ...row, deliveredAt: nowMicros, deliveries: row.deliveries + 1 };
    return await this.#rows.save(delivered, this.#turns.atomic(row.runId).check(...checks));
  }

  /** Notes that messages are handed out, all at once. */
  async deliverAll(
    runId: bigint,
    rows: readonly MessageRow[],
    nowMicros: number,
  ): Promise<void> {
    const delivered = rows.map((row) => ({
      ...row,
      deliveredAt: nowMicros,
      deliveries: row.deliveries + 1,
    }));
    if (delivered.length === 0) return;
    await this.#rows.saveAll(runId, delivered, this.#turns.atomic(runId));
  }

  /** Puts an instruction that was lost on its way back into its node's inbox. */
  async returnToInbox(row: MessageRow): Promise<void> {
    const { deliveredAt: _, ...rest } = row;
    if (!await this.#rows.save(rest, this.#turns.atomic(row.runId))) {
      throw new Contention("A message");
    }
  }

  /** Notes that the receiver has all objects of a message, and lets go of them. */
  async confirm(row: MessageRow, nowMicros: number): Promise<void> {
    const { tree } = await this.load(row);
    await this.#objects.release(row.runId, row.messageId, objectsOf(tree), async (operation) => {
      const confirmed = { ...row, confirmedAt: nowMicros };
      if (!await this.#rows.save(confirmed, operation)) throw new Contention("A message");
    });
  }

  /** Deletes a message and lets go of its objects. */
  async delete(row: MessageRow): Promise<void> {
    const { runId, messageId, partCount, confirmedAt } = row;
    const remove = async (operation: Deno.AtomicOperation) => {
      for (let index = 0; index < partCount; index++) {
        operation.delete(keys.part(runId, messageId, index));
      }
      await this.#rows.remove(row, operation);
      this.#awaited.forget(row);
    };
    if (confirmedAt !== undefined) return await remove(this.#turns.atomic(runId));
    const { tree } = await this.load(row);
    await this.#objects.release(runId, messageId, objectsOf(tree), remove);
  }

  /** Deletes all messages and objects of a run. */
  async deleteRun(runId: bigint): Promise<void> {
    this.#awaited.forgetRun(runId);
    await this.#rows.removeRun(runId);
    await deletePrefix(this.#kv, keys.parts(runId));
    await this.#objects.deleteRun(runId);
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

function complete(row: MessageRow): MessageRow {
  return { ...row, complete: true };
}

async function load(
  kv: Deno.Kv,
  { runId, messageId, partCount }: MessageRow,
): Promise<CarriedMessage> {
  const parts: Uint8Array[] = [];
  for (let index = 0; index < partCount; index++) {
    const { value } = await kv.get<Uint8Array>(keys.part(runId, messageId, index));
    if (value) parts.push(value);
  }
  const { messagesList: [message], messageObjectTrees: [tree] } = fromBinary(
    PullAppMessagesResponseSchema,
    joined(parts),
  );
  if (!message || !tree) throw new Error(`Message ${messageId} is not whole on disk.`);
  return { message, tree };
}

function cut(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += PART_BYTES) {
    // A copy: Deno KV would store all of the buffer that the part lies in.
    parts.push(bytes.slice(start, start + PART_BYTES));
  }
  return parts;
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
