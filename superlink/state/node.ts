/**
 * A node as the registry takes it, gives it, and tells of it.
 *
 * @module
 */

import type { LeaseRow, NodeRow } from "./layout.ts";

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
  readonly labels?: Readonly<Record<string, string>>;
  /** In microseconds since the epoch. */
  readonly expiresAt?: number;
  readonly suspendedAt?: number;
}

/** A node as others see it: its row, and its lease while it is online. */
export interface Node {
  readonly row: NodeRow;
  readonly lease: LeaseRow | undefined;
}

/** What became of an activation. */
export type Activation =
  | {
    readonly outcome: "activated" | "repeated" | "taken-over" | "handed-over";
    readonly row: NodeRow;
  }
  | { readonly outcome: "refused" | "barred"; readonly row: NodeRow }
  | { readonly outcome: "unknown" };

/** Told of what happens to nodes outside of a call. */
export interface NodeEvents {
  /** The lease ran out. */
  expired(row: NodeRow): void;
  /** Nothing more may be accepted from or delivered to this node. */
  unregistered(row: NodeRow): void;
  /** Nothing may be accepted from or delivered to this node for now (`life.barOf`). */
  barred(row: NodeRow): void;
  /** This key does not speak for the node any more. */
  keyEnded(row: NodeRow, keyId: string): void;
  /** A process that had handed its node over to another one is gone. */
  finished(nodeId: bigint): void;
}

/** Nobody is told. */
export const NO_NODE_EVENTS: NodeEvents = {
  ...{ expired() {}, unregistered() {}, barred() {}, keyEnded() {}, finished() {} },
};

/** A change of a node's row. */
export interface NodeChange {
  readonly before: NodeRow;
  readonly after: NodeRow;
}
