/**
 * The leases of the nodes that are online, for a SuperLink that is alone on its database: in memory,
 * and on disk at most a second late. (Several have `shared_leases.ts`.)
 *
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
  /** Where others renew it, too: it is still as it was read. */
  readonly check?: Deno.AtomicCheck;
}

/** A change of a node's lease, together with the commit of the transition that it belongs to. */
export interface LeaseChange {
  readonly nodeId: bigint;
  /** The lease that the transition was decided on. */
  readonly before: Lease | undefined;
  /** The new one, or none. */
  readonly after: (LeaseRow & { readonly holder: Connection }) | undefined;
  readonly operation: Deno.AtomicOperation;
  /** Commits the operation; throws when a check did not hold. */
  readonly save: () => Promise<void>;
}

/** The leases of all online nodes. */
export interface Leases {
  get(nodeId: bigint): Lease | undefined | Promise<Lease | undefined>;
  /** The leases of all nodes that have one. */
  all(): ReadonlyMap<bigint, LeaseRow> | Promise<ReadonlyMap<bigint, LeaseRow>>;
  /** Renews a lease in one step; false when there is none. */
  renew(nodeId: bigint, row: LeaseRow): boolean | Promise<boolean>;
  /**
   * Notes the connection that an online node spoke on. Gives true when the node speaks on two
   * connections by turns, which only two processes with one key do.
   */
  hold(nodeId: bigint, connection: Connection): boolean;
  /** Makes a change. */
  change(change: LeaseChange): Promise<void>;
  /** Writes what was renewed and is not on disk yet. */
  write(): Promise<void>;
}

/** The most leases in one commit: Deno KV takes 1,000 mutations. */
const BATCH_LIMIT = 500;

/** Leases in memory. */
export class LocalLeases implements Leases {
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

  all(): ReadonlyMap<bigint, LeaseRow> {
    return this.#leases;
  }

  /** Takes a lease that an earlier process left; the disk follows with the next {@linkcode write}. */
  restore(nodeId: bigint, row: LeaseRow): void {
    this.#leases.set(nodeId, row);
    this.#unwritten.add(nodeId);
  }

  /** Renews in memory; the disk follows with the next {@linkcode write}. */
  renew(nodeId: bigint, row: LeaseRow): boolean {
    const lease = this.#leases.get(nodeId);
    if (!lease) return false;
    this.#leases.set(nodeId, { ...lease, ...row });
    if (!this.#frozen.has(nodeId)) this.#unwritten.add(nodeId);
    return true;
  }

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

  /** No {@linkcode write} touches the lease meanwhile, so that neither overtakes the other. */
  async change({ nodeId, after, operation, save }: LeaseChange): Promise<void> {
    if (after) operation.set(keys.lease(nodeId), leaseRow(after));
    else operation.delete(keys.lease(nodeId));
    this.#frozen.add(nodeId);
    const wasUnwritten = this.#unwritten.delete(nodeId);
    try {
      await this.#writing;
      await save();
      if (after) this.#leases.set(nodeId, after);
      else this.#leases.delete(nodeId);
      this.#unwritten.delete(nodeId);
    } catch (error) {
      if (wasUnwritten) this.#unwritten.add(nodeId);
      throw error;
    } finally {
      this.#frozen.delete(nodeId);
    }
  }

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
export function leaseRow({ onlineUntil, heartbeatIntervalS, keyId }: LeaseRow): LeaseRow {
  return { onlineUntil, heartbeatIntervalS, ...(keyId === undefined ? {} : { keyId }) };
}
