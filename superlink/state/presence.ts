/**
 * Which nodes are online: how they come, are heard, and go. Each is a transition of the node's row with
 * its lease, in the node's turn.
 *
 * @module
 */

import type { Connection } from "../../wire/connection.ts";
import { Contention } from "./commit.ts";
import {
  finishing,
  type FinishingProcess,
  isSuperseded,
  takesOver,
  withFinishing,
} from "./handover.ts";
import type { NodeRow } from "./layout.ts";
import type { Lease, Leases } from "./leases.ts";
import type { Activation, NodeEvents } from "./node.ts";
import * as life from "./node_life.ts";
import type { NodeEntry, NodeRows } from "./node_rows.ts";
import type { Transitions } from "./transitions.ts";

/** What presence works on, together with the registry of nodes. */
export interface PresenceOptions {
  readonly kv: Deno.Kv;
  readonly rows: NodeRows;
  readonly leases: Leases;
  readonly turns: Transitions<bigint>;
  readonly events: NodeEvents;
}

/** The presence of nodes. */
export class Presence {
  readonly #kv: Deno.Kv;
  readonly #rows: NodeRows;
  readonly #leases: Leases;
  readonly #turns: Transitions<bigint>;
  readonly #events: NodeEvents;
  /** Nodes that a process handed over which is there yet, and until when it is if it stays silent. */
  readonly #finishing = new Map<bigint, number>();

  constructor({ kv, rows, leases, turns, events }: PresenceOptions) {
    this.#kv = kv;
    this.#rows = rows;
    this.#leases = leases;
    this.#turns = turns;
    this.#events = events;
  }

  /**
   * Brings a node online on a connection.
   *
   * A node that is online is refused (Flower's rule: one process for a key), unless its lease can
   * belong to nobody else: to this same connection, to one that is closed, or to one from before
   * the SuperLink started. A process with the node's newest key takes over from one with an earlier
   * key, which may finish what it has.
   */
  async activate(
    nodeId: bigint,
    keyId: string,
    heartbeatIntervalS: number,
    connection: Connection,
    nowMicros: number,
    program?: life.NodeProgram,
  ): Promise<Activation> {
    return await this.#turns.run(nodeId, async () => {
      const entry = await this.endLeaseIfDue(nodeId, nowMicros);
      if (!entry || entry.row.status === "unregistered") return { outcome: "unknown" };
      const { row } = entry;
      if (life.barOf(row, nowMicros)) return { outcome: "barred", row };
      const lease = await this.#leases.get(row.nodeId);
      const takeover = row.status === "online";
      const isGone = lease?.holder?.closed.aborted ?? false;
      const by = "activation";
      const coming = {
        entry,
        lease,
        keyId,
        heartbeatIntervalS,
        holder: connection,
        by,
        program,
      } as const;
      if (takeover && lease && takesOver(row, lease, keyId) && !isGone) {
        return { outcome: "handed-over", row: await this.#handOver(coming, lease, nowMicros) };
      }
      if (takeover && lease?.holder === connection) {
        await this.#leases.renew(row.nodeId, life.renewedLease(nowMicros, heartbeatIntervalS));
        return { outcome: "repeated", row };
      }
      if (takeover && lease?.holder && !isGone) return { outcome: "refused", row };
      const activated = await this.#goOnline({ ...coming, joins: true }, nowMicros);
      return { outcome: takeover ? "taken-over" : "activated", row: activated };
    });
  }

  /**
   * Takes a heartbeat. Gives the row of a node that it brought online, `renewed` for one that was
   * online already, and `unknown` for one that is not there, unregistered or barred.
   */
  async heartbeat(
    nodeId: bigint,
    keyId: string,
    heartbeatIntervalS: number,
    connection: Connection,
    nowMicros: number,
  ): Promise<NodeRow | "renewed" | "unknown"> {
    const renewed = life.renewedLease(nowMicros, heartbeatIntervalS);
    // Not queued behind other transitions while it only renews: nothing else can come between.
    if (await this.#leases.renew(nodeId, renewed)) return "renewed";
    return await this.#turns.run(nodeId, async () => {
      const entry = await this.#rows.find(nodeId);
      if (!entry || isClosed(entry.row, nowMicros)) return "unknown";
      if (entry.row.status === "online" && await this.#leases.renew(nodeId, renewed)) {
        return "renewed";
      }
      // One that had handed the node over goes on where the other is gone, and with it what that had.
      const joins = entry.row.finishing?.keyId === keyId;
      return await this.#goOnline(
        {
          ...{ entry, lease: undefined, keyId, heartbeatIntervalS, holder: connection },
          ...{ by: "heartbeat", joins },
        },
        nowMicros,
      );
    });
  }

  /**
   * What a process with a key is to its node: `superseded` when it handed the node over to another one
   * that is online, and `returning` when one with an earlier key was heard first after a silence of both.
   */
  async standingOf(row: NodeRow, keyId: string): Promise<"own" | "superseded" | "returning"> {
    const isNewest = row.keyId === keyId;
    if (isNewest && (row.earlierKeys ?? []).length === 0) return "own";
    const lease = await this.#leases.get(row.nodeId);
    if (isNewest) return lease && takesOver(row, lease, keyId) ? "returning" : "own";
    return isSuperseded(row, lease, keyId) ? "superseded" : "own";
  }

  /** Gives a node back to its process with the newest key; `undefined` when it has it already. */
  async takeBack(
    nodeId: bigint,
    keyId: string,
    heartbeatIntervalS: number,
    connection: Connection,
    nowMicros: number,
  ): Promise<NodeRow | undefined> {
    return await this.#turns.run(nodeId, async () => {
      const entry = await this.endLeaseIfDue(nodeId, nowMicros);
      const lease = await this.#leases.get(nodeId);
      if (!entry || !lease || isClosed(entry.row, nowMicros)) return undefined;
      if (!takesOver(entry.row, lease, keyId)) return undefined;
      const by = "heartbeat";
      const coming = { entry, lease, keyId, heartbeatIntervalS, holder: connection, by } as const;
      return await this.#handOver(coming, lease, nowMicros);
    });
  }

  /** Takes note of a process that handed its node over, and is there yet, or goes. */
  async heardSuperseded(
    nodeId: bigint,
    rule: (row: NodeRow) => NodeRow,
  ): Promise<void> {
    await this.#turns.run(nodeId, async () => {
      const entry = await this.#rows.find(nodeId);
      const row = entry && rule(entry.row);
      if (!row || row === entry.row) return;
      await this.#rows.save(entry, row, this.#kv.atomic());
      if (row.finishing) this.#finishing.set(nodeId, row.finishing.until);
      else this.#isFinished(nodeId);
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
    return await this.#turns.run(nodeId, () => this.#leave(nodeId, nowMicros, () => true));
  }

  /** Ends the lease of a node that has expired. */
  async endExpired(nodeId: bigint, nowMicros: number): Promise<void> {
    const hasExpired = (row: NodeRow) => life.barOf(row, nowMicros) === "expired";
    await this.#turns.run(nodeId, async () => {
      const row = await this.#leave(nodeId, nowMicros, hasExpired);
      if (row) this.#events.barred(row);
    });
  }

  /** Ends the leases that have run out, and tells of processes that were not heard of any more. */
  async expireDue(nowMicros: number): Promise<void> {
    for (const [nodeId, until] of this.#finishing) if (until <= nowMicros) this.#isFinished(nodeId);
    const due: bigint[] = [];
    for (const [nodeId, { onlineUntil }] of await this.#leases.all()) {
      if (onlineUntil <= nowMicros) due.push(nodeId);
    }
    await Promise.all(
      due.map((nodeId) => this.#turns.run(nodeId, () => this.endLeaseIfDue(nodeId, nowMicros))),
    );
  }

  /** Ends a lease that ran out, in the node's turn. Gives the row as it is afterwards. */
  async endLeaseIfDue(nodeId: bigint, nowMicros: number): Promise<NodeEntry | undefined> {
    const entry = await this.#rows.find(nodeId);
    const lease = await this.#leases.get(nodeId);
    if (!entry || entry.row.status !== "online" || !lease || lease.onlineUntil > nowMicros) {
      return entry;
    }
    const ended = await this.endLease(entry, lease, life.expired(entry.row, lease));
    this.#events.expired(ended.row);
    return ended;
  }

  /** Ends a lease with the row that is then, in the node's turn. */
  async endLease(
    before: NodeEntry,
    lease: Lease,
    row: NodeRow,
    operation = this.#kv.atomic(),
  ): Promise<NodeEntry> {
    const { nodeId } = row;
    await this.#leases.change({
      nodeId,
      before: lease,
      after: undefined,
      operation,
      save: () => this.#rows.save(before, row, operation),
    });
    const after = await this.#rows.find(nodeId);
    if (!after) throw new Contention("A node's row");
    return after;
  }

  /** Ends the lease of an online node, in its turn. */
  async #leave(
    nodeId: bigint,
    nowMicros: number,
    isMeant: (row: NodeRow) => boolean,
  ): Promise<NodeRow | undefined> {
    const entry = await this.endLeaseIfDue(nodeId, nowMicros);
    const lease = await this.#leases.get(nodeId);
    if (entry?.row.status !== "online" || !lease || !isMeant(entry.row)) return undefined;
    return (await this.endLease(entry, lease, life.deactivated(entry.row, nowMicros, lease))).row;
  }

  #handOver(
    coming: Omit<ComingOnline, "joins">,
    lease: Lease,
    nowMicros: number,
  ): Promise<NodeRow> {
    const leaving = finishing(lease, nowMicros);
    return this.#goOnline({ ...coming, joins: false, finishing: leaving }, nowMicros);
  }

  /** A process that had handed its node over is gone: what it did not confirm is for the other one. */
  #isFinished(nodeId: bigint): void {
    this.#finishing.delete(nodeId);
    this.#events.finished(nodeId);
  }

  async #goOnline(
    { entry, lease, keyId, heartbeatIntervalS, holder, by, joins, program, finishing }:
      ComingOnline,
    nowMicros: number,
  ): Promise<NodeRow> {
    const { nodeId } = entry.row;
    const { row } = entry;
    const online = life.activated(row, nowMicros, heartbeatIntervalS, joins, program);
    const activated = withFinishing(online, keyId, finishing);
    const operation = this.#kv.atomic();
    await this.#leases.change({
      nodeId,
      before: lease,
      after: {
        ...life.renewedLease(nowMicros, heartbeatIntervalS),
        keyId,
        ...(by === "activation" ? { session: "joined" } : {}),
        holder,
      },
      operation,
      save: () => this.#rows.save(entry, activated, operation),
    });
    if (activated.finishing) this.#finishing.set(nodeId, activated.finishing.until);
    else this.#finishing.delete(nodeId);
    return activated;
  }
}

/** A node that is about to be online. */
interface ComingOnline {
  readonly entry: NodeEntry;
  /** What it has of a lease; an activation may take one over. */
  readonly lease: Lease | undefined;
  /** Of the process that comes. */
  readonly keyId: string;
  readonly heartbeatIntervalS: number;
  readonly holder: Connection;
  /** What it came with. */
  readonly by: "activation" | "heartbeat";
  /** What the processes before it had is lost: one joins, rather than is heard again. */
  readonly joins: boolean;
  readonly program?: life.NodeProgram | undefined;
  /** The process that it takes over from, and that goes on with what it has. */
  readonly finishing?: FinishingProcess | undefined;
}

/** Nothing may be accepted from the node or delivered to it. */
export function isClosed(row: NodeRow, nowMicros: number): boolean {
  return row.status === "unregistered" || life.barOf(row, nowMicros) !== undefined;
}
