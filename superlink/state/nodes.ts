/**
 * The nodes of the federation: who is registered, under which key, and in which state of life.
 *
 * Every transition is one atomic commit that checks the row it started from, with all the rows and
 * indexes that it touches; when a method comes back, what it says is on disk.
 *
 * @module
 */

import type { Log } from "../../terminal/log.ts";
import type { Connection } from "../../wire/connection.ts";
import { randomId } from "../../records/random_id.ts";
import { commit } from "./commit.ts";
import { type KeyRow, keys, type LeaseRow, type NodeRow } from "./layout.ts";
import { type Lease, leaseRow, Leases } from "./leases.ts";
import type { Marks } from "./marks.ts";
import * as life from "./node_life.ts";
import { contended, NodeRows } from "./node_rows.ts";
import { OneAtATime } from "./one_at_a_time.ts";

/** What is known of a key when it is registered. */
export interface Registration {
  readonly keyId: string;
  readonly fingerprint: string;
  readonly publicKeyPem: Uint8Array;
  readonly keyless: boolean;
  readonly ownerId: string;
  readonly ownerName: string;
  readonly name?: string;
  readonly location?: string;
  readonly heartbeatIntervalS: number;
}

/** A node as others see it: its row, and its lease while it is online. */
export interface Node {
  readonly row: NodeRow;
  readonly lease: Lease | undefined;
}

/** What became of an activation. */
export type Activation =
  | { readonly outcome: "activated" | "repeated" | "taken-over"; readonly row: NodeRow }
  | { readonly outcome: "refused"; readonly row: NodeRow }
  | { readonly outcome: "unknown" };

/** Told of what happens to nodes outside of a call. */
export interface NodeEvents {
  /** The lease ran out. */
  expired(row: NodeRow): void;
  /** Nothing more may be accepted from or delivered to this node. */
  unregistered(row: NodeRow): void;
}

/** A concurrent change made the commit's checks fail this often: something is wrong. */
const MAX_ATTEMPTS = 8;

/** The registry of nodes on one Deno KV database that this process holds alone. */
export class Nodes {
  readonly #kv: Deno.Kv;
  readonly #leases: Leases;
  readonly #events: NodeEvents;
  readonly #marks: Marks | undefined;
  readonly #turns = new OneAtATime<bigint>();
  readonly #rows: NodeRows;

  private constructor(kv: Deno.Kv, leases: Leases, events: NodeEvents, marks: Marks | undefined) {
    this.#kv = kv;
    this.#rows = new NodeRows(kv);
    this.#leases = leases;
    this.#events = events;
    this.#marks = marks;
  }

  /**
   * Reads who was online, and grants those nodes an interval's grace from `startMicros`. `marks` are
   * those of the same database, where it has any.
   */
  static async open(
    kv: Deno.Kv,
    events: NodeEvents,
    log: Log,
    startMicros: number,
    marks?: Marks,
  ): Promise<Nodes> {
    const leases = new Leases(kv, log);
    for await (const { key, value } of kv.list<LeaseRow>({ prefix: keys.leases })) {
      const nodeId = key.at(-1);
      if (typeof nodeId === "bigint") {
        leases.renew(nodeId, life.leaseAfterStart(value, startMicros));
      }
    }
    return new Nodes(kv, leases, events, marks);
  }

  /** The living (not unregistered) node of a key. */
  async ofKey(keyId: string): Promise<NodeRow | undefined> {
    const row = await this.#rows.ofKey(keyId);
    return row?.status === "unregistered" ? undefined : row;
  }

  /** A node in any state. */
  async get(nodeId: bigint): Promise<Node | undefined> {
    const entry = await this.#rows.find(nodeId);
    return entry && { row: entry.row, lease: this.#leases.get(nodeId) };
  }

  /** Every node, unregistered ones too, oldest first. Leases that ran out are ended before. */
  async list(nowMicros: number): Promise<Node[]> {
    await this.expireDue(nowMicros);
    const nodes: Node[] = [];
    for await (const row of this.#rows.all()) {
      nodes.push({ row, lease: this.#leases.get(row.nodeId) });
    }
    return nodes.sort((a, b) => a.row.registeredAt - b.row.registeredAt);
  }

  /**
   * A check, for somebody else's commit, that the node is as it is now; `undefined` when it is not
   * there or unregistered.
   */
  async livingCheck(nodeId: bigint): Promise<Deno.AtomicCheck | undefined> {
    const entry = await this.#rows.find(nodeId);
    if (!entry || entry.row.status === "unregistered") return undefined;
    return { key: keys.node(nodeId), versionstamp: entry.versionstamp };
  }

  /** The nodes that are online, in no order. */
  onlineIds(): bigint[] {
    return this.#leases.ids();
  }

  /** How many nodes are online. */
  get onlineCount(): number {
    return this.#leases.size;
  }

  /**
   * Makes a node for a key, or gives `undefined` when the key was ever used before. A key that
   * registers itself comes with the replay guard's mark for the proof that it did it with.
   */
  async register(
    registration: Registration,
    nowMicros: number,
    markMicros?: number,
  ): Promise<NodeRow | undefined> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const keyEntry = await this.#kv.get<KeyRow>(keys.key(registration.keyId));
      if (keyEntry.value !== null) return undefined;
      const row: NodeRow = {
        ...registration,
        // A copy: Deno KV would store all of the buffer that the bytes lie in.
        publicKeyPem: new Uint8Array(registration.publicKeyPem),
        nodeId: randomId(),
        status: "registered",
        registeredAt: nowMicros,
      };
      const keyRow: KeyRow = { nodeId: row.nodeId };
      const operation = this.#kv.atomic()
        .check(keyEntry)
        .check({ key: keys.node(row.nodeId), versionstamp: null })
        .set(keys.key(row.keyId), keyRow)
        .set(keys.node(row.nodeId), row);
      if (markMicros !== undefined) operation.set(keys.mark(row.keyId), markMicros);
      if (await commit(operation) !== undefined) return row;
    }
    throw contended();
  }

  /**
   * Brings the node of a key online on a connection.
   *
   * A node that is online is refused (Flower's rule: one process for a key), unless its lease can
   * belong to nobody else: to this same connection, to one that is closed, or to one from before
   * the SuperLink started.
   */
  async activate(
    keyId: string,
    heartbeatIntervalS: number,
    connection: Connection,
    nowMicros: number,
  ): Promise<Activation> {
    const found = await this.ofKey(keyId);
    if (!found) return { outcome: "unknown" };
    return await this.#turns.run(found.nodeId, async () => {
      const row = await this.#endLeaseIfDue(found.nodeId, nowMicros);
      if (!row || row.status === "unregistered") return { outcome: "unknown" };
      const lease = this.#leases.get(row.nodeId);
      if (row.status === "online" && lease?.holder === connection) {
        this.#leases.renew(row.nodeId, life.renewedLease(nowMicros, heartbeatIntervalS));
        return { outcome: "repeated", row };
      }
      const takeover = row.status === "online";
      if (takeover && lease?.holder && !lease.holder.closed.aborted) {
        return { outcome: "refused", row };
      }
      const activated = await this.#goOnline(row, heartbeatIntervalS, connection, nowMicros, true);
      return { outcome: takeover ? "taken-over" : "activated", row: activated };
    });
  }

  /**
   * Takes a heartbeat. Gives the row of a node that it brought online, `renewed` for one that was
   * online already, and `unknown` for one that is not there or unregistered.
   */
  async heartbeat(
    nodeId: bigint,
    heartbeatIntervalS: number,
    connection: Connection,
    nowMicros: number,
  ): Promise<NodeRow | "renewed" | "unknown"> {
    // Not queued behind other transitions while it only renews: nothing else can come between.
    if (this.#leases.get(nodeId)) {
      this.#leases.renew(nodeId, life.renewedLease(nowMicros, heartbeatIntervalS));
      return "renewed";
    }
    return await this.#turns.run(nodeId, async () => {
      const entry = await this.#rows.find(nodeId);
      if (!entry || entry.row.status === "unregistered") return "unknown";
      if (entry.row.status !== "online") {
        return await this.#goOnline(entry.row, heartbeatIntervalS, connection, nowMicros, false);
      }
      this.#leases.renew(nodeId, life.renewedLease(nowMicros, heartbeatIntervalS));
      return "renewed";
    });
  }

  /**
   * Notes that an online node spoke on a connection. Gives true when two processes use its key.
   */
  spoke(nodeId: bigint, connection: Connection): boolean {
    return this.#leases.hold(nodeId, connection);
  }

  /** Takes an online node offline; `undefined` when it is not online. */
  async deactivate(nodeId: bigint, nowMicros: number): Promise<NodeRow | undefined> {
    return await this.#turns.run(nodeId, async () => {
      const row = await this.#endLeaseIfDue(nodeId, nowMicros);
      const lease = this.#leases.get(nodeId);
      if (row?.status !== "online" || !lease) return undefined;
      return await this.#endLease(life.deactivated(row, nowMicros, lease));
    });
  }

  /**
   * Ends a node for ever; its key stays burned. `undefined` when there is no such living node or
   * `mayUnregister` says no.
   */
  async unregister(
    nodeId: bigint,
    nowMicros: number,
    mayUnregister: (row: NodeRow) => boolean,
  ): Promise<NodeRow | undefined> {
    return await this.#turns.run(nodeId, async () => {
      const entry = await this.#rows.find(nodeId);
      if (!entry || entry.row.status === "unregistered" || !mayUnregister(entry.row)) {
        return undefined;
      }
      const row = life.unregistered(entry.row, nowMicros, this.#leases.get(nodeId));
      const operation = this.#kv.atomic().delete(keys.lease(nodeId)).delete(keys.mark(row.keyId));
      if (row.keyless) operation.set(keys.keylessGone(nowMicros, nodeId), null);
      const save = () =>
        this.#leases.whileFrozen(nodeId, () => this.#rows.save(entry, row, operation));
      await (this.#marks ? this.#marks.whileEnding(row.keyId, save) : save());
      this.#leases.remove(nodeId);
      this.#events.unregistered(row);
      return row;
    });
  }

  /** Ends the leases that have run out. */
  async expireDue(nowMicros: number): Promise<void> {
    await Promise.all(
      this.#leases.due(nowMicros).map((nodeId) =>
        this.#turns.run(nodeId, () => this.#endLeaseIfDue(nodeId, nowMicros))
      ),
    );
  }

  /** Writes renewed leases to disk. */
  async writeLeases(): Promise<void> {
    await this.#leases.write();
  }

  /**
   * Reduces keyless nodes that were unregistered before `beforeMicros` to the hash of their key, so
   * that nodes which come and go do not grow the state. Gives how many.
   */
  async reduceGone(beforeMicros: number): Promise<number> {
    return await this.#rows.reduceGone(beforeMicros);
  }

  /**
   * Unregisters keyless nodes that nobody has heard of since `beforeMicros`: their keys lived in
   * processes that are gone. Gives their rows.
   */
  async retireSilent(beforeMicros: number, nowMicros: number): Promise<NodeRow[]> {
    const retired: NodeRow[] = [];
    for await (const found of this.#rows.all()) {
      if (!isSilentSince(found, beforeMicros)) continue;
      const row = await this.unregister(
        found.nodeId,
        nowMicros,
        (current) => isSilentSince(current, beforeMicros),
      );
      if (row) retired.push(row);
    }
    return retired;
  }

  async #goOnline(
    row: NodeRow,
    heartbeatIntervalS: number,
    holder: Connection,
    nowMicros: number,
    joins: boolean,
  ): Promise<NodeRow> {
    const entry = await this.#rows.find(row.nodeId);
    if (!entry) throw contended();
    const lease = life.renewedLease(nowMicros, heartbeatIntervalS);
    const activated = life.activated(row, nowMicros, heartbeatIntervalS, joins);
    const operation = this.#kv.atomic().set(keys.lease(row.nodeId), leaseRow(lease));
    await this.#leases.whileFrozen(row.nodeId, () => this.#rows.save(entry, activated, operation));
    this.#leases.put(row.nodeId, { ...lease, holder });
    return activated;
  }

  /** Must run in the node's turn. Gives the row as it is afterwards. */
  async #endLeaseIfDue(nodeId: bigint, nowMicros: number): Promise<NodeRow | undefined> {
    const entry = await this.#rows.find(nodeId);
    const lease = this.#leases.get(nodeId);
    if (!entry || entry.row.status !== "online" || !lease || lease.onlineUntil > nowMicros) {
      return entry?.row;
    }
    const row = await this.#endLease(life.expired(entry.row, lease));
    this.#events.expired(row);
    return row;
  }

  async #endLease(row: NodeRow): Promise<NodeRow> {
    const entry = await this.#rows.find(row.nodeId);
    if (!entry) throw contended();
    const operation = this.#kv.atomic().delete(keys.lease(row.nodeId));
    await this.#leases.whileFrozen(row.nodeId, () => this.#rows.save(entry, row, operation));
    this.#leases.remove(row.nodeId);
    return row;
  }
}

function isSilentSince(row: NodeRow, micros: number): boolean {
  const lastHeard = row.deactivatedAt ?? row.registeredAt;
  return row.keyless && (row.status === "offline" || row.status === "registered") &&
    lastHeard < micros;
}
