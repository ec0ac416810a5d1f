/**
 * Turns away the calls of nodes that are shut out, in such a way that their programs wait and come
 * back by themselves once they are let in again.
 *
 * No version of Flower has a node that is shut out for a while, so the status is chosen by what its
 * SuperNodes do on it (1.23 to 1.41, alike over gRPC and HTTP):
 *
 * | call | `PERMISSION_DENIED`, 403 | `UNAVAILABLE`, 503 | `UNAUTHENTICATED`, 401 |
 * |---|---|---|---|
 * | PullMessages | asks again 3 s later | again after up to 20 s | ends |
 * | ActivateNode | ends with a traceback | again after up to 20 s | ends |
 * | SendNodeHeartbeat | its thread ends, and it is never online again | again | ends |
 * | GetRun, PullObject … | drops the message; up to 1.32 it then waits for ever | again | drops it |
 * | PushMessages, PushObject | drops the reply | again: the reply arrives later | drops it |
 *
 * So a pull is `PERMISSION_DENIED` and every other call is `UNAVAILABLE`.
 *
 * @module
 */

import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { StatusError } from "../../wire/status.ts";
import type { Refusals } from "../auth/refusals.ts";
import type { Clock } from "../clock.ts";
import { Seldom } from "../seldom.ts";
import type { NodeRow } from "../state/layout.ts";
import { type Bar, barOf } from "../state/node_life.ts";

/** Who speaks for a node. */
export interface Speaker {
  readonly method: string;
  readonly peer: string;
  /** `SHA256:…` of the key that was proved. */
  readonly fingerprint: string;
}

/** What the log says of a node that goes on calling, at most this often. */
const LOG_PERIOD_MICROS = 600_000_000;

const SENTENCES: Readonly<Record<Bar, string>> = {
  suspended: "This SuperNode is suspended by the SuperLink's operator.",
  expired: "This SuperNode's registration has expired.",
};

/** The gate for the calls of nodes. */
export class Admission {
  readonly #clock: Clock;
  readonly #refusals: Refusals;
  readonly #logged = new Seldom<bigint>(LOG_PERIOD_MICROS);

  constructor(clock: Clock, refusals: Refusals) {
    this.#clock = clock;
    this.#refusals = refusals;
  }

  /** Throws when nothing may be accepted from the node or delivered to it. */
  require(row: NodeRow, speaker: Speaker): void {
    const bar = barOf(row, this.#clock.nowMicros());
    if (bar === undefined) return;
    this.#log(row, bar, speaker);
    const isPull = speaker.method === Fleet.method.pullMessages.name;
    throw new StatusError(isPull ? "PERMISSION_DENIED" : "UNAVAILABLE", SENTENCES[bar]);
  }

  #log({ nodeId }: NodeRow, bar: Bar, speaker: Speaker): void {
    if (!this.#logged.isDue(nodeId, this.#clock.nowMicros())) return;
    // What is counted by its reason has no node in it; the key says which one it is.
    this.#refusals.refused({ reason: `the SuperNode is ${bar}`, ...speaker });
  }
}
