/**
 * The rows of the messages of open runs, with their indexes: a port, because a SuperLink that is alone
 * on its database knows them from memory. Whoever changes a run's rows does it in the run's turn.
 *
 * @module
 */

import { isObjectId } from "../../records/object_id.ts";
import { batches } from "../state/batches.ts";
import { commit, Contention } from "../state/commit.ts";
import { deletePrefix, KEYS_IN_COMMIT } from "../state/delete_prefix.ts";
import { keys, type MessageRow } from "../state/layout.ts";
import type { RunTurns } from "./run_turns.ts";

/** Finds and changes rows. */
export interface MessageRows {
  find(runId: bigint, messageId: string): Found;
  /** The reply to an instruction, complete or not. */
  replyTo(runId: bigint, instructionId: string): Found;
  /** Commits an operation together with a row; false when a check of the operation did not hold. */
  save(row: MessageRow, operation: Deno.AtomicOperation): Promise<boolean>;
  /**
   * Commits an operation together with many rows. Only the first few hundred are in that commit; the
   * rest follows.
   */
  saveAll(
    runId: bigint,
    rows: readonly MessageRow[],
    operation: Deno.AtomicOperation,
  ): Promise<void>;
  /** Commits an operation together with the removal of a row. */
  remove(row: MessageRow, operation: Deno.AtomicOperation): Promise<void>;
  /** Removes all rows of a run. */
  removeRun(runId: bigint): Promise<void>;
}

/** What is looked for, where there is such. */
export type Found = MessageRow | undefined | Promise<MessageRow | undefined>;

/** The rows in the database alone. */
export class StoredRows implements MessageRows {
  readonly #kv: Deno.Kv;
  readonly #turns: RunTurns;

  constructor(kv: Deno.Kv, turns: RunTurns) {
    this.#kv = kv;
    this.#turns = turns;
  }

  async find(runId: bigint, messageId: string): Promise<MessageRow | undefined> {
    // A peer may name anything, also what is too long for a key.
    if (!isObjectId(messageId)) return undefined;
    return (await this.#kv.get<MessageRow>(keys.message(runId, messageId))).value ?? undefined;
  }

  async replyTo(runId: bigint, instructionId: string): Promise<MessageRow | undefined> {
    if (!isObjectId(instructionId)) return undefined;
    const { value } = await this.#kv.get<string>(keys.reply(runId, instructionId));
    return value === null ? undefined : await this.find(runId, value);
  }

  async save(row: MessageRow, operation: Deno.AtomicOperation): Promise<boolean> {
    write(operation, row);
    return await this.#turns.commit(row.runId, operation) !== undefined;
  }

  async saveAll(
    runId: bigint,
    rows: readonly MessageRow[],
    operation: Deno.AtomicOperation,
    saved: (row: MessageRow) => void = () => {},
  ): Promise<void> {
    const [first = [], ...rest] = batches(rows, ROWS_IN_COMMIT);
    let next = operation;
    for (const some of [first, ...rest]) {
      for (const row of some) write(next, row);
      if (await this.#turns.commit(runId, next) === undefined) throw new Contention("An object");
      for (const row of some) saved(row);
      next = this.#turns.atomic(runId);
    }
  }

  async remove(row: MessageRow, operation: Deno.AtomicOperation): Promise<void> {
    operation.delete(keys.message(row.runId, row.messageId))
      .delete(keys.inbox(row)).delete(keys.handedOut(row));
    if (row.instructionId !== undefined) {
      operation.delete(keys.reply(row.runId, row.instructionId));
    }
    await this.#turns.commit(row.runId, operation);
  }

  async removeRun(runId: bigint): Promise<void> {
    const rows = this.#kv.list<MessageRow>({ prefix: keys.messages(runId) });
    let operation = this.#kv.atomic();
    let count = 0;
    for await (const { value } of rows) {
      operation.delete(keys.inbox(value)).delete(keys.handedOut(value));
      if (++count % ROWS_IN_COMMIT !== 0) continue;
      await commit(operation);
      operation = this.#kv.atomic();
    }
    await commit(operation);
    await deletePrefix(this.#kv, keys.replies(runId));
    await deletePrefix(this.#kv, keys.messages(runId));
  }
}

interface RowsOfRun {
  readonly messages: Map<string, MessageRow>;
  /** Instruction ids to the ids of their replies. */
  readonly replies: Map<string, string>;
}

/**
 * The rows in memory as well, because a ServerApp asks about all of its messages each time one of them
 * is answered. A row is about 1 KB.
 */
export class CachedRows implements MessageRows {
  readonly #stored: StoredRows;
  readonly #runs = new Map<bigint, RowsOfRun>();

  private constructor(stored: StoredRows) {
    this.#stored = stored;
  }

  /** Reads what open runs have. */
  static async open(kv: Deno.Kv, turns: RunTurns): Promise<CachedRows> {
    const rows = new CachedRows(new StoredRows(kv, turns));
    for await (const { key } of kv.list({ prefix: keys.openRuns })) {
      const runId = key.at(-1);
      if (typeof runId !== "bigint") continue;
      for await (const { value } of kv.list<MessageRow>({ prefix: keys.messages(runId) })) {
        rows.#keep(value);
      }
    }
    return rows;
  }

  find(runId: bigint, messageId: string): MessageRow | undefined {
    return this.#runs.get(runId)?.messages.get(messageId);
  }

  replyTo(runId: bigint, instructionId: string): MessageRow | undefined {
    const messageId = this.#runs.get(runId)?.replies.get(instructionId);
    return messageId === undefined ? undefined : this.find(runId, messageId);
  }

  /** Every row, of every open run. */
  *all(): Generator<MessageRow> {
    for (const { messages } of this.#runs.values()) yield* messages.values();
  }

  async save(row: MessageRow, operation: Deno.AtomicOperation): Promise<boolean> {
    if (!await this.#stored.save(row, operation)) return false;
    this.#keep(row);
    return true;
  }

  async saveAll(
    runId: bigint,
    rows: readonly MessageRow[],
    operation: Deno.AtomicOperation,
  ): Promise<void> {
    await this.#stored.saveAll(runId, rows, operation, (row) => this.#keep(row));
  }

  async remove(row: MessageRow, operation: Deno.AtomicOperation): Promise<void> {
    await this.#stored.remove(row, operation);
    const run = this.#runs.get(row.runId);
    run?.messages.delete(row.messageId);
    if (row.instructionId !== undefined) run?.replies.delete(row.instructionId);
  }

  async removeRun(runId: bigint): Promise<void> {
    await this.#stored.removeRun(runId);
    this.#runs.delete(runId);
  }

  #keep(row: MessageRow): void {
    const run = this.#runs.get(row.runId) ?? { messages: new Map(), replies: new Map() };
    this.#runs.set(row.runId, run);
    run.messages.set(row.messageId, row);
    if (row.instructionId !== undefined) run.replies.set(row.instructionId, row.messageId);
  }
}

/** A row has up to four keys. */
const ROWS_IN_COMMIT = KEYS_IN_COMMIT / 4;

/** Adds a row and its indexes. */
function write(operation: Deno.AtomicOperation, row: MessageRow): void {
  const { runId, messageId, kind, complete, deliveredAt, confirmedAt, instructionId } = row;
  operation.set(keys.message(runId, messageId), row);
  if (instructionId !== undefined) operation.set(keys.reply(runId, instructionId), messageId);
  if (kind !== "instruction") return;
  const handedOut = deliveredAt !== undefined && confirmedAt === undefined;
  if (complete && deliveredAt === undefined) operation.set(keys.inbox(row), null);
  else operation.delete(keys.inbox(row));
  if (handedOut) operation.set(keys.handedOut(row), null);
  else operation.delete(keys.handedOut(row));
}
