/**
 * The leases of the nodes that are online: in memory, and on disk at most a second late.
 * A heartbeat that only renews a lease is the one thing that is answered before it is on disk,
 * because losing one is harmless: after a start every node gets an interval's grace.
 *
 * @module
 */

import type { Connection } from "../../wire/connection.ts";
import type { Log } from "../../terminal/log.ts";
import { commit } from "./commit.ts";
import { keys, type LeaseRow } from "./layout.ts";

/** An online node's lease, and the connections that its node speaks on. */
export interface Lease extends LeaseRow {
  /** The latest one; not known when the node has not called since the SuperLink started. */
  readonly holder?: Connection;
  /** The one before. Should it speak again, two processes use one key. */
  readonly previous?: Connection;
}

/** The most leases in one commit: Deno KV takes 1,000 mutations. */
const BATCH_LIMIT = 500;

/** The leases of all online nodes. */
export class Leases {
  readonly #kv: Deno.Kv;
  readonly #log: Log;
  readonly #leases = new Map<bigint, Lease>();
  /** Renewed in memory and not on disk yet. */
  readonly #unwritten = new Set<bigint>();
  /** A commit that changes these leases is under way. */
  readonly #frozen = new Set<bigint>();
  #writing: Promise<void> | undefined;

  constructor(kv: Deno.Kv, log: Log) {
    this.#kv = kv;
    this.#log = log;
  }

  get(nodeId: bigint): Lease | undefined {
    return this.#leases.get(nodeId);
  }

  get size(): number {
    return this.#leases.size;
  }

  ids(): bigint[] {
    return [...this.#leases.keys()];
  }

  /** Takes a lease that a commit has put on disk. */
  put(nodeId: bigint, lease: Lease): void {
    this.#leases.set(nodeId, lease);
    this.#unwritten.delete(nodeId);
  }

  /** Renews in memory; the disk follows with the next {@linkcode write}. */
  renew(nodeId: bigint, row: LeaseRow): void {
    this.#leases.set(nodeId, { ...this.#leases.get(nodeId), ...row });
    if (!this.#frozen.has(nodeId)) this.#unwritten.add(nodeId);
  }

  /**
   * Notes the connection that an online node spoke on. Gives true when the node speaks on two
   * connections by turns, which only two processes with one key do.
   */
  hold(nodeId: bigint, connection: Connection): boolean {
    const lease = this.#leases.get(nodeId);
    if (!lease || lease.holder === connection) return false;
    const { holder, previous, ...row } = lease;
    const twice = previous === connection;
    this.#leases.set(nodeId, {
      ...row,
      holder: connection,
      ...(holder && !holder.closed.aborted ? { previous: holder } : {}),
    });
    return twice;
  }

  /** Forgets a lease that a commit has removed from disk. */
  remove(nodeId: bigint): void {
    this.#leases.delete(nodeId);
    this.#unwritten.delete(nodeId);
  }

  /**
   * Runs a commit that puts or removes the node's lease while no {@linkcode write} touches it, so
   * that neither overtakes the other.
   */
  async whileFrozen<T>(nodeId: bigint, task: () => Promise<T>): Promise<T> {
    this.#frozen.add(nodeId);
    const wasUnwritten = this.#unwritten.delete(nodeId);
    try {
      await this.#writing;
      return await task();
    } catch (error) {
      if (wasUnwritten) this.#unwritten.add(nodeId);
      throw error;
    } finally {
      this.#frozen.delete(nodeId);
    }
  }

  /** The nodes whose lease has run out. */
  due(nowMicros: number): bigint[] {
    const due: bigint[] = [];
    for (const [nodeId, lease] of this.#leases) {
      if (lease.onlineUntil <= nowMicros) due.push(nodeId);
    }
    return due;
  }

  /** Writes the renewed leases. */
  async write(): Promise<void> {
    await this.#writing;
    if (this.#unwritten.size === 0) return;
    this.#writing = this.#writeAll();
    try {
      await this.#writing;
    } catch (error) {
      this.#log.error("state.write-failed", "Leases could not be written to the database.", {
        cause: String(error instanceof Error ? error.cause ?? error : error),
      });
    } finally {
      this.#writing = undefined;
    }
  }

  async #writeAll(): Promise<void> {
    const nodeIds = [...this.#unwritten];
    for (let start = 0; start < nodeIds.length; start += BATCH_LIMIT) {
      const operation = this.#kv.atomic();
      const batch = nodeIds.slice(start, start + BATCH_LIMIT)
        .filter((nodeId) => this.#unwritten.has(nodeId));
      for (const nodeId of batch) {
        const lease = this.#leases.get(nodeId);
        if (lease) operation.set(keys.lease(nodeId), leaseRow(lease));
        this.#unwritten.delete(nodeId);
      }
      try {
        await commit(operation);
      } catch (error) {
        for (const nodeId of batch) if (this.#leases.has(nodeId)) this.#unwritten.add(nodeId);
        throw error;
      }
    }
  }
}

/** What of a lease goes to disk. */
export function leaseRow({ onlineUntil, heartbeatIntervalS }: LeaseRow): LeaseRow {
  return { onlineUntil, heartbeatIntervalS };
}
