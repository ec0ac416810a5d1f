/**
 * Every key that the SuperLink keeps in Deno KV. Nothing else writes or reads raw keys.
 *
 * | key | value | there exactly when |
 * |---|---|---|
 * | `schema` | {@linkcode SchemaRow} | always: it marks the database as a SuperLink's |
 * | `node`, node id | {@linkcode NodeRow} | a node was registered and has not been reduced |
 * | `key`, key id | {@linkcode KeyRow} | the key was ever registered: a key is never used twice |
 * | `lease`, node id | {@linkcode LeaseRow} | the node's row says `online` |
 * | `mark`, key id | microseconds | the key owns a node that has called since it was registered |
 * | `keyless-gone`, unregistered at, node id | `null` | a keyless node is unregistered, not reduced |
 *
 * A transition writes all of its rows in one atomic commit, so there is no row without its index
 * and no index without its row, whenever the process dies.
 *
 * @module
 */

/** The version of this layout. A higher one in the database means a newer Trellis wrote it. */
export const SCHEMA_VERSION = 1;

/** Stamps a database as a SuperLink's. */
export interface SchemaRow {
  readonly program: "trellis-superlink";
  readonly version: number;
}

/** The life of a node (Flower's words). `unregistered` is for ever. */
export type NodeStatus = "registered" | "online" | "offline" | "unregistered";

/** A node. Times are microseconds since the epoch; intervals are seconds. */
export interface NodeRow {
  readonly nodeId: bigint;
  /** The identity of the public key (`PublicKey.id`). */
  readonly keyId: string;
  /** `SHA256:…` of the public key, for people. */
  readonly fingerprint: string;
  /** The PEM as it was received; the CLI is shown it unchanged. */
  readonly publicKeyPem: Uint8Array;
  /** Registered itself, without a key that an operator knows; its key lives in one process only. */
  readonly keyless: boolean;
  readonly ownerId: string;
  readonly ownerName: string;
  readonly status: NodeStatus;
  readonly registeredAt: number;
  readonly activatedAt?: number;
  readonly deactivatedAt?: number;
  readonly unregisteredAt?: number;
  /** When the last lease ended. While the node is online its lease says when it will. */
  readonly onlineUntil?: number;
  readonly heartbeatIntervalS: number;
}

/** A key that was registered. Without a node id it is burned and its node has been reduced to it. */
export interface KeyRow {
  readonly nodeId?: bigint;
}

/** Until when an online node counts as online, unless it speaks again. */
export interface LeaseRow {
  readonly onlineUntil: number;
  readonly heartbeatIntervalS: number;
}

export const keys = {
  schema: ["schema"],
  node: (nodeId: bigint) => ["node", nodeId],
  nodes: ["node"],
  key: (keyId: string) => ["key", keyId],
  lease: (nodeId: bigint) => ["lease", nodeId],
  leases: ["lease"],
  mark: (keyId: string) => ["mark", keyId],
  keylessGone: (unregisteredAt: number, nodeId: bigint) => ["keyless-gone", unregisteredAt, nodeId],
  keylessGoneAll: ["keyless-gone"],
} as const;
