/**
 * The nodes of the federation: who is registered, under which key, and in which state of life.
 *
 * Every transition is one atomic commit that checks the row it started from, with all the rows and
 * indexes that it touches; when a method comes back, what it says is on disk.
 *
 * @module
 */

import type { PublicKey } from "../../keys/public_key.ts";
import type { Log } from "../../terminal/log.ts";
import type { Connection } from "../../wire/connection.ts";
import { randomId } from "../../records/random_id.ts";
import { commit, Contention } from "./commit.ts";
import { type KeyRow, keys, type LeaseRow, type NodeRow } from "./layout.ts";
import { type Leases, LocalLeases } from "./leases.ts";
import type { Marks } from "./marks.ts";
import { endedKeyIds, indexKeys, keyIdsOf, newKeyCheck, ownsKey } from "./node_keys.ts";
import type { Activation, Node, NodeChange, NodeEvents, Registration } from "./node.ts";
import { expiring, indexExpiry, withEndedKeys } from "./node_expiries.ts";
import * as life from "./node_life.ts";
import { NodeRows } from "./node_rows.ts";
import { OneAtATime } from "./one_at_a_time.ts";
import { isClosed, Presence } from "./presence.ts";
import { Transitions, untilUncontended } from "./transitions.ts";

/** What the registry works with besides the database. */
export interface NodesOptions {
  readonly events: NodeEvents;
  readonly leases: Leases;
  /** Whether other processes change the database, too. */
  readonly shared: boolean;
  readonly marks: Marks | undefined;
}

/** The registry of nodes on one Deno KV database. */
export class Nodes {
  readonly #kv: Deno.Kv;
  readonly #leases: Leases;
  readonly #events: NodeEvents;
  readonly #marks: Marks | undefined;
  readonly #turns = new Transitions<bigint>();
  readonly #lists = new OneAtATime<"all">();
  readonly #rows: NodeRows;
  /** Which of them are online. */
  readonly presence: Presence;

  constructor(kv: Deno.Kv, { events, leases, shared, marks }: NodesOptions) {
    this.#kv = kv;
    this.#rows = new NodeRows(kv, shared);
    this.#leases = leases;
    this.#events = events;
    this.#marks = marks;
    this.presence = new Presence({ kv, rows: this.#rows, leases, turns: this.#turns, events });
  }

  /**
   * The registry of a SuperLink that is alone on its database. Reads who was online, and grants those
   * nodes an interval's grace from `startMicros`. `marks` are those of the same database, where it has
   * any.
   */
  static async open(
    kv: Deno.Kv,
    events: NodeEvents,
    log: Log,
    startMicros: number,
    marks?: Marks,
  ): Promise<Nodes> {
    const leases = new LocalLeases(kv, log);
    for await (const { key, value } of kv.list<LeaseRow>({ prefix: keys.leases })) {
      const nodeId = key.at(-1);
      if (typeof nodeId === "bigint") {
        leases.restore(nodeId, life.leaseAfterStart(value, startMicros));
      }
    }
    return new Nodes(kv, { events, leases, shared: false, marks });
  }

  /** The living (not unregistered) node that a key speaks for. */
  async ofKey(keyId: string, nowMicros: number): Promise<NodeRow | undefined> {
    const row = await this.#rows.ofKey(keyId);
    if (!row || row.status === "unregistered") return undefined;
    return ownsKey(row, keyId, nowMicros) ? row : undefined;
  }

  /** The living node of a key; `burned` when the key may not be used again. */
  async findByKey(
    { id: keyId, fingerprint }: Pick<PublicKey, "id" | "fingerprint">,
    nowMicros: number,
  ): Promise<NodeRow | "burned" | undefined> {
    const row = await this.ofKey(keyId, nowMicros);
    if (row?.keyId === keyId) return row;
    return await newKeyCheck(this.#kv, keyId, fingerprint) ? undefined : "burned";
  }

  /** A node in any state. */
  async get(nodeId: bigint): Promise<Node | undefined> {
    const entry = await this.#rows.find(nodeId);
    return entry && { row: entry.row, lease: await this.#leases.get(nodeId) };
  }

  /**
   * Every node, unregistered ones too, oldest first. Leases that ran out are ended before. One list is
   * made at a time: the first reads all rows, and each takes memory until it is answered.
   */
  async list(nowMicros: number): Promise<Node[]> {
    return await this.#lists.run("all", async () => {
      await this.presence.expireDue(nowMicros);
      const leases = await this.#leases.all();
      const nodes: Node[] = [];
      for await (const row of this.#rows.all()) {
        nodes.push({ row, lease: leases.get(row.nodeId) });
      }
      return nodes.sort(({ row: a }, { row: b }) =>
        a.registeredAt - b.registeredAt || (a.nodeId < b.nodeId ? -1 : 1)
      );
    });
  }

  /**
   * A check, for somebody else's commit, that the node is as it is now; `undefined` when it is not
   * there, unregistered or barred.
   */
  async livingCheck(nodeId: bigint, nowMicros: number): Promise<Deno.AtomicCheck | undefined> {
    const entry = await this.#rows.find(nodeId);
    if (!entry || isClosed(entry.row, nowMicros)) return undefined;
    return { key: keys.node(nodeId), versionstamp: entry.versionstamp };
  }

  /** The nodes that are online, in no order. */
  async onlineIds(): Promise<bigint[]> {
    return [...(await this.#leases.all()).keys()];
  }

  /**
   * Makes a node for a key, or gives `undefined` when the key was ever used before. `also` is added to
   * the commit.
   */
  async register(
    registration: Registration,
    nowMicros: number,
    also: (operation: Deno.AtomicOperation) => void = () => {},
  ): Promise<NodeRow | undefined> {
    return await untilUncontended(async () => {
      const { keyId, fingerprint } = registration;
      const isNew = await newKeyCheck(this.#kv, keyId, fingerprint);
      if (!isNew) return undefined;
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
        .check(isNew)
        .check({ key: keys.node(row.nodeId), versionstamp: null })
        .set(keys.key(row.keyId), keyRow)
        .set(keys.node(row.nodeId), row);
      indexExpiry(operation, undefined, row);
      also(operation);
      const versionstamp = await commit(operation);
      if (versionstamp === undefined) throw new Contention("A key's row");
      this.#rows.added(row, versionstamp);
      return row;
    });
  }

  /** Brings the node of a key online on a connection, as {@linkcode Presence.activate}. */
  async activate(
    keyId: string,
    heartbeatIntervalS: number,
    connection: Connection,
    nowMicros: number,
    program?: life.NodeProgram,
  ): Promise<Activation> {
    const found = await this.ofKey(keyId, nowMicros);
    if (!found) return { outcome: "unknown" };
    const { nodeId } = found;
    return await this.presence.activate(
      ...[nodeId, keyId, heartbeatIntervalS, connection, nowMicros, program] as const,
    );
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
      const before = await this.#leases.get(nodeId);
      const row = life.unregistered(entry.row, nowMicros, before);
      const operation = this.#kv.atomic();
      for (const keyId of keyIdsOf(row)) operation.delete(keys.mark(keyId));
      indexKeys(operation, entry.row, undefined);
      if (row.keyless) operation.set(keys.keylessGone(nowMicros, nodeId), null);
      indexExpiry(operation, entry.row, undefined);
      const change = () =>
        this.#leases.change({
          nodeId,
          before,
          after: undefined,
          operation,
          save: () => this.#rows.save(entry, row, operation),
        });
      await this.#whileEnding(keyIdsOf(row), change);
      this.#events.unregistered(row);
      return row;
    });
  }

  /**
   * Changes the row of a living node by a rule, and ends the node's lease when the rule bars it.
   * Nothing is written when the rule gives the row that it was given; otherwise `also` is added to the
   * commit. `undefined` when there is no such living node.
   */
  async change(
    nodeId: bigint,
    nowMicros: number,
    rule: (row: NodeRow) => NodeRow,
    also: (operation: Deno.AtomicOperation) => void = () => {},
  ): Promise<NodeChange | undefined> {
    return await this.#turns.run(nodeId, async () => {
      const entry = await this.presence.endLeaseIfDue(nodeId, nowMicros);
      if (!entry || entry.row.status === "unregistered") return undefined;
      const { row: before } = entry;
      const after = rule(before);
      if (after === before) return { before, after };
      const lease = await this.#leases.get(nodeId);
      const isBarred = life.barOf(after, nowMicros) !== undefined;
      const operation = this.#kv.atomic();
      indexExpiry(operation, before, after);
      indexKeys(operation, before, after);
      also(operation);
      const endsLease = isBarred && before.status === "online" && lease;
      const saved = endsLease ? life.deactivated(after, nowMicros, lease) : after;
      const endedKeys = endedKeyIds(before, after);
      await this.#whileEnding(endedKeys, async () => {
        if (endsLease) await this.presence.endLease(entry, lease, saved, operation);
        else await this.#rows.save(entry, saved, operation);
      });
      if (isBarred) this.#events.barred(saved);
      for (const keyId of endedKeys) this.#events.keyEnded(saved, keyId);
      return { before, after: saved };
    });
  }

  /** The nodes with an earlier key whose time is over. */
  async withEndedKeys(nowMicros: number): Promise<bigint[]> {
    return await withEndedKeys(this.#kv, nowMicros);
  }

  /** The nodes that expire between two times (the first one inclusive), in the order of these. */
  async expiring(fromMicros: number, toMicros: number): Promise<NodeRow[]> {
    const nodeIds = await expiring(this.#kv, fromMicros, toMicros);
    const entries = await Promise.all(nodeIds.map((nodeId) => this.#rows.find(nodeId)));
    return entries.flatMap((entry) => entry ? [entry.row] : []);
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
    for await (const found of this.#rows.stored()) {
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

  /** Does a commit after which no mark of these keys may be on disk. */
  async #whileEnding(keyIds: readonly string[], task: () => Promise<void>): Promise<void> {
    const [keyId, ...others] = keyIds;
    if (keyId === undefined || !this.#marks) return await task();
    await this.#marks.whileEnding(keyId, () => this.#whileEnding(others, task));
  }
}

function isSilentSince(row: NodeRow, micros: number): boolean {
  const lastHeard = row.deactivatedAt ?? row.registeredAt;
  return row.keyless && (row.status === "offline" || row.status === "registered") &&
    lastHeard < micros;
}
