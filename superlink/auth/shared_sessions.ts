import type { Connection } from "../../wire/connection.ts";
import type { IncomingCall } from "../../wire/service.ts";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import type { NodeRow } from "../state/layout.ts";
import type { SharedLeases } from "../state/shared_leases.ts";
import { dropOldest } from "../drop_oldest.ts";
import type { Sessions } from "./http_sessions.ts";

/** Sessions that are remembered, each for a pull that need not be answered at once again. */
const LIMIT = 10_000;
const NEVER = new AbortController().signal;

/**
 * The sessions of SuperNodes where several SuperLinks share the database. Whether a process is gone is
 * said by its node's lease (`state/shared_leases.ts`); a session here only tells the calls of one
 * process from each other, and being forgotten costs one empty answer.
 */
export class SharedSessions implements Sessions {
  readonly #leases: SharedLeases;
  readonly #sessions = new Map<string, Connection>();

  constructor(leases: SharedLeases) {
    this.#leases = leases;
  }

  of(keyId: string, node: NodeRow | undefined, { method, peer }: IncomingCall): Connection {
    const known = node && this.#sessions.get(keyId);
    if (node) this.#sessions.delete(keyId);
    const session = known && method !== Fleet.method.activateNode.name ? known : {
      peer,
      closed: NEVER,
      // The node rejoins later if it cannot be written, and its lease ends in any case.
      gaveUp: () => void (node && this.#leases.left(node.nodeId).catch(() => {})),
    };
    if (node) this.#sessions.set(keyId, session);
    dropOldest(this.#sessions, LIMIT);
    return session;
  }

  forget(keyId: string): void {
    this.#sessions.delete(keyId);
  }

  prune(): void {}
}
