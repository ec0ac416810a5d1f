/**
 * The rows of the messages of open runs: on disk with their indexes, and in memory, because a
 * ServerApp asks about all of its messages each time one of them is answered. A row is about 1 KB.
 *
 * @module
 */

import { batches } from "../state/batches.ts";
import { commit } from "../state/commit.ts";
import { deletePrefix, KEYS_IN_COMMIT } from "../state/delete_prefix.ts";
import { keys, type MessageRow } from "../state/layout.ts";

/** A row with what the next commit checks. */
interface Entry {
  readonly row: MessageRow;
  /** Not known of a row that was written together with others. */
  readonly versionstamp: string;
}

interface RowsOfRun {
  readonly messages: Map<string, Entry>;
  /** Instruction ids to the ids of their replies. */
  readonly replies: Map<string, string>;
}

/** Keeps rows and indexes together. Callers that change one run's rows take turns. */
export class MessageRows {
  readonly #kv: Deno.Kv;
  readonly #runs = new Map<bigint, RowsOfRun>();

  private constructor(kv: Deno.Kv) {
    this.#kv = kv;
  }

  /** Reads what open runs have. */
  static async open(kv: Deno.Kv): Promise<MessageRows> {
    const rows = new MessageRows(kv);
    for await (const { key } of kv.list({ prefix: keys.openRuns })) {
      const runId = key.at(-1);
      if (typeof runId !== "bigint") continue;
      for await (
        const { value, versionstamp } of kv.list<MessageRow>({ prefix: keys.messages(runId) })
      ) rows.#keep(value, versionstamp);
    }
    return rows;
  }

  find(runId: bigint, messageId: string): MessageRow | undefined {
    return this.#runs.get(runId)?.messages.get(messageId)?.row;
  }

  /** The reply to an instruction, complete or not. */
  replyTo(runId: bigint, instructionId: string): MessageRow | undefined {
    const messageId = this.#runs.get(runId)?.replies.get(instructionId);
    return messageId === undefined ? undefined : this.find(runId, messageId);
  }

  /** Every row, of every open run. */
  *all(): Generator<MessageRow> {
    for (const { messages } of this.#runs.values()) {
      for (const { row } of messages.values()) yield row;
    }
  }

  /** Commits an operation together with a row; false when a check of the operation did not hold. */
  async save(row: MessageRow, operation: Deno.AtomicOperation): Promise<boolean> {
    const before = this.#runs.get(row.runId)?.messages.get(row.messageId);
    const key = keys.message(row.runId, row.messageId);
    operation.check({ key, versionstamp: before?.versionstamp ?? null });
    write(operation, before?.row, row);
    const versionstamp = await commit(operation);
    if (versionstamp === undefined) return false;
    this.#keep(row, versionstamp);
    return true;
  }

  /**
   * Commits an operation together with many rows. Only the first few hundred are in that commit; the
   * rest follows. They are not checked: Deno KV takes few checks in one commit.
   */
  async saveAll(rows: readonly MessageRow[], operation: Deno.AtomicOperation): Promise<void> {
    const [first = [], ...rest] = batches(rows, KEYS_IN_COMMIT / 2);
    let next = operation;
    for (const some of [first, ...rest]) {
      for (const row of some) write(next, this.find(row.runId, row.messageId), row);
      const versionstamp = await commit(next);
      if (versionstamp === undefined) throw new Error("An object was changed by somebody else.");
      for (const row of some) this.#keep(row, versionstamp);
      next = this.#kv.atomic();
    }
  }

  /** Commits an operation together with the removal of a row. */
  async remove(row: MessageRow, operation: Deno.AtomicOperation): Promise<void> {
    operation.delete(keys.message(row.runId, row.messageId)).delete(keys.inbox(row));
    if (row.instructionId !== undefined) {
      operation.delete(keys.reply(row.runId, row.instructionId));
    }
    await commit(operation);
    const run = this.#runs.get(row.runId);
    run?.messages.delete(row.messageId);
    if (row.instructionId !== undefined) run?.replies.delete(row.instructionId);
  }

  /** Removes all rows of a run. */
  async removeRun(runId: bigint): Promise<void> {
    const rows = this.#kv.list<MessageRow>({ prefix: keys.messages(runId) });
    let operation = this.#kv.atomic();
    let count = 0;
    for await (const { value } of rows) {
      operation.delete(keys.inbox(value));
      if (++count % KEYS_IN_COMMIT !== 0) continue;
      await commit(operation);
      operation = this.#kv.atomic();
    }
    await commit(operation);
    await deletePrefix(this.#kv, keys.replies(runId));
    await deletePrefix(this.#kv, keys.messages(runId));
    this.#runs.delete(runId);
  }

  #keep(row: MessageRow, versionstamp: string): void {
    const run = this.#runs.get(row.runId) ?? { messages: new Map(), replies: new Map() };
    this.#runs.set(row.runId, run);
    run.messages.set(row.messageId, { row, versionstamp });
    if (row.instructionId !== undefined) run.replies.set(row.instructionId, row.messageId);
  }
}

/** An instruction is in its node's inbox while it is complete and has not been handed out. */
function isInInbox(row: MessageRow | undefined): boolean {
  return row?.kind === "instruction" && row.complete && row.deliveredAt === undefined;
}

function write(
  operation: Deno.AtomicOperation,
  before: MessageRow | undefined,
  row: MessageRow,
): void {
  operation.set(keys.message(row.runId, row.messageId), row);
  if (isInInbox(row)) operation.set(keys.inbox(row), null);
  else if (isInInbox(before)) operation.delete(keys.inbox(row));
  if (!before && row.instructionId !== undefined) {
    operation.set(keys.reply(row.runId, row.instructionId), row.messageId);
  }
}
