/**
 * The rows of nodes: on disk, and in memory once they were read, because this process alone changes
 * them and every call of a SuperNode asks who it is.
 *
 * @module
 */

import { commit } from "./commit.ts";
import { type KeyRow, keys, type NodeRow } from "./layout.ts";

/** A row with what the next commit checks. */
export interface NodeEntry {
  readonly row: NodeRow;
  readonly versionstamp: string;
}

/** Reads and saves rows. Callers that change one node's row take turns. */
export class NodeRows {
  readonly #kv: Deno.Kv;
  readonly #entries = new Map<bigint, NodeEntry>();
  readonly #nodeIds = new Map<string, bigint>();

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
  }

  async find(nodeId: bigint): Promise<NodeEntry | undefined> {
    const known = this.#entries.get(nodeId);
    if (known) return known;
    const found = await this.#kv.get<NodeRow>(keys.node(nodeId));
    if (found.versionstamp === null) return undefined;
    const entry = { row: found.value, versionstamp: found.versionstamp };
    this.#entries.set(nodeId, entry);
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

  /** Every row, in the order of the ids. */
  async *all(): AsyncGenerator<NodeRow> {
    for await (const { value } of this.#kv.list<NodeRow>({ prefix: keys.nodes })) yield value;
  }

  /** Commits a changed row together with `operation`. Throws when somebody else changed it. */
  async save(before: NodeEntry, row: NodeRow, operation: Deno.AtomicOperation): Promise<void> {
    const key = keys.node(row.nodeId);
    const versionstamp = await commit(
      operation.check({ key, versionstamp: before.versionstamp }).set(key, row),
    );
    if (versionstamp === undefined) {
      this.#entries.delete(row.nodeId);
      throw contended();
    }
    this.#entries.set(row.nodeId, { row, versionstamp });
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
      this.#nodeIds.delete(row.keyId);
      count++;
    }
    return count;
  }
}

/** What is thrown when a commit's check failed that nothing else should have touched. */
export function contended(): Error {
  return new Error("A node's row was changed by somebody else.");
}
