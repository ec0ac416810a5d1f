/**
 * What stands for a SuperNode's connection where there is none to watch.
 *
 * Over HTTP/1.1 a SuperNode opens connections as it likes (1.41 a new one for each heartbeat), so
 * none of them tells that its process is gone. A session does: it is what one process of a key does
 * from its activation on, and it counts as closed
 *
 * - when the process gave up the pull that was held for it. A killed process does, because its
 *   system closes its sockets; a living one only when it lost the network or leaves,
 * - when it was silent for a whole heartbeat interval. SuperNodes send heartbeats at three quarters
 *   of it, and pulls more often,
 * - when its activation is the last that was heard of it and comes again: the answer was lost,
 * - when it deactivated its node.
 *
 * That is safe, because a closed session takes nothing away: it only lets a process that proves to
 * hold the same key join in its place. A process that was cut off and comes back begins a session
 * anew with its next call, and from then on is as hard to displace as before; should another have
 * taken its place meanwhile, both have the key, and it is as with a gRPC connection that broke.
 * Whoever does not hold the key can neither end a session nor begin one: every call that counts was
 * proved, and its proof is accepted once.
 *
 * @module
 */

import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import type { Connection } from "../../wire/connection.ts";
import type { IncomingCall } from "../../wire/service.ts";
import type { Clock } from "../clock.ts";
import type { NodeRow } from "../state/layout.ts";

const MICROS_PER_SECOND = 1_000_000;
/** What Flower's SuperNodes send, until a node has said its own. */
const DEFAULT_HEARTBEAT_INTERVAL_S = 30;

/** What stands for the processes of SuperNodes that call over HTTP. */
export interface Sessions {
  /**
   * The session that a call belongs to which a key proved: of a node with two keys each may have a
   * process. A key without a node has none that is kept.
   */
  of(keyId: string, node: NodeRow | undefined, call: IncomingCall): Connection;
  /** Lets go of the session of a key whose node was unregistered or barred, or that ended. */
  forget(keyId: string): void;
  /** Lets go of sessions that are closed. */
  prune(): void;
}

/** The sessions of the SuperNodes that call over HTTP. */
export class HttpSessions implements Sessions {
  readonly #clock: Clock;
  readonly #sessions = new Map<string, HttpSession>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(keyId: string, node: NodeRow | undefined, call: IncomingCall): Connection {
    const known = node && this.#sessions.get(keyId);
    const joins = call.method === Fleet.method.activateNode.name;
    if (known && !known.closed.aborted) {
      if (!joins) {
        known.heard(call, node);
        return known;
      }
      if (!known.onlyJoined) return new HttpSession(call, node, this.#clock);
      known.close();
    }
    const session = new HttpSession(call, node, this.#clock);
    if (node) this.#sessions.set(keyId, session);
    return session;
  }

  forget(keyId: string): void {
    this.#sessions.get(keyId)?.close();
    this.#sessions.delete(keyId);
  }

  prune(): void {
    for (const [keyId, session] of this.#sessions) {
      if (session.closed.aborted) this.#sessions.delete(keyId);
    }
  }
}

class HttpSession implements Connection {
  readonly peer: string;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  #heardAt = 0;
  #silenceMicros = 0;
  #onlyJoined: boolean;

  constructor(call: IncomingCall, node: NodeRow | undefined, clock: Clock) {
    this.peer = call.peer;
    this.#clock = clock;
    this.heard(call, node);
    this.#onlyJoined = call.method === Fleet.method.activateNode.name;
  }

  get closed(): AbortSignal {
    if (this.#clock.nowMicros() - this.#heardAt >= this.#silenceMicros) this.close();
    return this.#closing.signal;
  }

  /** Whether it began with an activation and nothing was heard after it. */
  get onlyJoined(): boolean {
    return this.#onlyJoined;
  }

  heard({ method }: IncomingCall, node: NodeRow | undefined): void {
    this.#heardAt = this.#clock.nowMicros();
    const intervalS = node?.heartbeatIntervalS || DEFAULT_HEARTBEAT_INTERVAL_S;
    this.#silenceMicros = intervalS * MICROS_PER_SECOND;
    this.#onlyJoined = false;
    if (method === Fleet.method.deactivateNode.name) this.close();
  }

  gaveUp(): void {
    this.close();
  }

  close(): void {
    this.#closing.abort();
  }
}
