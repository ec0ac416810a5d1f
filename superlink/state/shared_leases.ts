/**
 * The leases of the nodes that are online where several SuperLinks share a database: read and written
 * there each time, and never changed unless they are as they were read.
 *
 * What `auth/http_sessions.ts` keeps in memory is said in the lease's row here, by the same rules: a
 * lease's process counts as gone when it gave up the pull that was held for it, when no heartbeat came
 * for a whole interval, and when its activation is the last that was heard of it.
 *
 * @module
 */

import type { Connection } from "../../wire/connection.ts";
import type { Clock } from "../clock.ts";
import { commit, Contention } from "./commit.ts";
import { keys, type LeaseRow } from "./layout.ts";
import { type Lease, type LeaseChange, leaseRow, type Leases } from "./leases.ts";
import { leaseBegan } from "./node_life.ts";
import { untilUncontended } from "./transitions.ts";

const MICROS_PER_SECOND = 1_000_000;
const OPEN = new AbortController().signal;
const CLOSED = AbortSignal.abort();

/** Leases in the database alone. */
export class SharedLeases implements Leases {
  readonly #kv: Deno.Kv;
  readonly #clock: Clock;

  constructor(kv: Deno.Kv, clock: Clock) {
    this.#kv = kv;
    this.#clock = clock;
  }

  async get(nodeId: bigint): Promise<Lease | undefined> {
    const found = await this.#kv.get<LeaseRow>(keys.lease(nodeId));
    if (found.value === null) return undefined;
    return { ...found.value, holder: holderOf(found.value, this.#clock), check: found };
  }

  async all(): Promise<ReadonlyMap<bigint, LeaseRow>> {
    const leases = new Map<bigint, LeaseRow>();
    for await (const { key, value } of this.#kv.list<LeaseRow>({ prefix: keys.leases })) {
      const nodeId = key.at(-1);
      if (typeof nodeId === "bigint") leases.set(nodeId, value);
    }
    return leases;
  }

  renew(nodeId: bigint, { onlineUntil, heartbeatIntervalS }: LeaseRow): Promise<boolean> {
    return this.#replace(
      nodeId,
      (row) => leaseRow({ ...row, onlineUntil, heartbeatIntervalS }),
    );
  }

  /** Takes note that the process which holds the lease gave up a call that was held for it. */
  async left(nodeId: bigint): Promise<void> {
    await this.#replace(nodeId, (row) => ({ ...row, session: "left" }));
  }

  hold(): boolean {
    return false;
  }

  async change({ nodeId, before, after, operation, save }: LeaseChange): Promise<void> {
    const key = keys.lease(nodeId);
    operation.check(before?.check ?? { key, versionstamp: null });
    if (after) {
      const { holder: _, ...row } = after;
      operation.set(key, row);
    } else {
      operation.delete(key);
    }
    await save();
  }

  write(): Promise<void> {
    return Promise.resolve();
  }

  async #replace(nodeId: bigint, next: (row: LeaseRow) => LeaseRow): Promise<boolean> {
    const key = keys.lease(nodeId);
    return await untilUncontended(async () => {
      const found = await this.#kv.get<LeaseRow>(key);
      if (found.value === null) return false;
      const operation = this.#kv.atomic().check(found).set(key, next(found.value));
      if (await commit(operation) === undefined) throw new Contention("A lease");
      return true;
    });
  }
}

/** What stands for the process that holds a lease. */
function holderOf(row: LeaseRow, clock: Clock): Connection {
  const silentMicros = clock.nowMicros() - leaseBegan(row);
  const gone = row.session !== undefined ||
    silentMicros >= row.heartbeatIntervalS * MICROS_PER_SECOND;
  return { peer: "unknown", closed: gone ? CLOSED : OPEN };
}
