/**
 * The rows of nodes: on disk, and where this process alone changes them also in memory once they were
 * read, because every call of a SuperNode asks who it is.
 *
 * @module
 */

import { commit, Contention } from "./commit.ts";
import { type KeyRow, keys, type NodeRow } from "./layout.ts";

/** A row with what the next commit checks. */
export interface NodeEntry {
  readonly row: NodeRow;
  readonly versionstamp: string;
}

/** Reads and saves rows. Callers that change one node's row take turns. */
export class NodeRows {
  readonly #kv: Deno.Kv;
  readonly #shared: boolean;
  readonly #entries = new Map<bigint, NodeEntry>();
  /** All rows are in memory. */
  #isWhole = false;
  /** How many rows left the memory: one that was read from the database before may be no row any more. */
  #forgotten = 0;
  /** A key that owns a node never owns another, so this holds whoever changes the rows. */
  readonly #nodeIds = new Map<string, bigint>();

  /** `shared` says that other processes change the rows, too. */
  constructor(kv: Deno.Kv, shared: boolean) {
    this.#kv = kv;
    this.#shared = shared;
  }

  async find(nodeId: bigint): Promise<NodeEntry | undefined> {
    const known = this.#entries.get(nodeId);
    if (known) return known;
    const found = await this.#kv.get<NodeRow>(keys.node(nodeId));
    // It may have been changed while it was read.
    const newer = this.#entries.get(nodeId);
    if (newer) return newer;
    if (found.versionstamp === null) return undefined;
    const entry = { row: found.value, versionstamp: found.versionstamp };
    this.#keep(nodeId, entry);
    return entry;
  }

  /** The row of the node that a key owns, in any state. */
  async ofKey(keyId: string): Promise<NodeRow | undefined> {
    let nodeId = this.#nodeIds.get(keyId);
    if (nodeId === undefined) {
      nodeId = (await this.#kv.get<KeyRow>(keys.key(keyId))).value?.nodeId;
      if (nodeId === undefined) return undefined;
      this.#nodeIds.set(keyId, nodeId);
    }
    return (await this.find(nodeId))?.row;
  }

  /** Takes note of a row that was added to the database. */
  added(row: NodeRow, versionstamp: string): void {
    // Its node may have been found already, and changed.
    if (!this.#entries.has(row.nodeId)) this.#keep(row.nodeId, { row, versionstamp });
  }

  /**
   * Every row, in no order. Whoever looks at thousands of nodes does so again and again, so they are
   * read from the database once.
   */
  async *all(): AsyncGenerator<NodeRow> {
    if (!this.#isWhole) await this.#readAll();
    if (!this.#isWhole) return yield* this.stored();
    for (const { row } of this.#entries.values()) yield row;
  }

  /** Every row as it is in the database, for who looks now and then: memory is not for these. */
  async *stored(): AsyncGenerator<NodeRow> {
    for await (const { value } of this.#kv.list<NodeRow>({ prefix: keys.nodes })) yield value;
  }

  async #readAll(): Promise<void> {
    if (this.#shared) return;
    const before = this.#forgotten;
    const read = await Array.fromAsync(this.#kv.list<NodeRow>({ prefix: keys.nodes }));
    if (before !== this.#forgotten) return;
    for (const { value: row, versionstamp } of read) {
      // One that is known may have been changed since it was read.
      if (!this.#entries.has(row.nodeId)) this.#keep(row.nodeId, { row, versionstamp });
    }
    this.#isWhole = true;
  }

  /** Commits a changed row together with `operation`. Throws when somebody else changed it. */
  async save(before: NodeEntry, row: NodeRow, operation: Deno.AtomicOperation): Promise<void> {
    const key = keys.node(row.nodeId);
    const versionstamp = await commit(
      operation.check({ key, versionstamp: before.versionstamp }).set(key, row),
    );
    if (versionstamp === undefined) {
      this.#forget(row.nodeId);
      throw new Contention("A node's row");
    }
    this.#keep(row.nodeId, { row, versionstamp });
  }

  /**
   * Reduces keyless nodes that were unregistered before `beforeMicros` to the hash of their key, so
   * that nodes which come and go do not grow the state. Gives how many.
   */
  async reduceGone(beforeMicros: number): Promise<number> {
    let count = 0;
    const range = { start: keys.keylessGoneAll, end: keys.keylessGone(beforeMicros, 0n) };
    for await (const { key } of this.#kv.list(range)) {
      const nodeId = key.at(-1);
      const entry = typeof nodeId === "bigint" ? await this.find(nodeId) : undefined;
      if (!entry) continue;
      const { row, versionstamp } = entry;
      const burned: KeyRow = {};
      const reduced = await commit(
        this.#kv.atomic()
          .check({ key: keys.node(row.nodeId), versionstamp })
          .delete(key)
          .delete(keys.node(row.nodeId))
          .set(keys.key(row.keyId), burned),
      );
      if (reduced === undefined) continue;
      this.#entries.delete(row.nodeId);
      this.#forgotten++;
      this.#nodeIds.delete(row.keyId);
      count++;
    }
    return count;
  }

  #forget(nodeId: bigint): void {
    this.#entries.delete(nodeId);
    this.#forgotten++;
    this.#isWhole = false;
  }

  #keep(nodeId: bigint, entry: NodeEntry): void {
    if (!this.#shared) this.#entries.set(nodeId, entry);
  }
}
