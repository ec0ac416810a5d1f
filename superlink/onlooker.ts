/**
 * Somebody who looks on while a SuperLink serves: its page, its metrics, and its traces. Nothing that
 * is served depends on it, and each word costs next to nothing.
 *
 * @module
 */

import type { Message } from "../proto/gen/flwr/proto/message_pb.ts";
import type { ObserveCall } from "../wire/observed_call.ts";
import type { IncomingCall } from "../wire/service.ts";
import type { FleetCaller } from "./auth/fleet_caller.ts";
import type { Refusal } from "./auth/refusals.ts";
import type { RunRow } from "./state/layout.ts";

/** What an onlooker is told of. No method may throw. */
export interface Onlooker {
  /** A call has ended. */
  readonly called: ObserveCall;
  /** A SuperNode's call was refused. */
  refused(refusal: Refusal): void;
  /** A SuperNode proved who it is. */
  admitted(caller: FleetCaller, call: IncomingCall): void;
  /** One pull more, or one less, is held. */
  held(change: 1 | -1): void;
}

/** Somebody who follows what becomes of runs. No method may throw. */
export interface RunOnlooker {
  /** A run is pending, starting, running or finished from now on. */
  came(run: RunRow): void;
  /** An instruction was handed out to a SuperNode, perhaps not for the first time. */
  handedOut(nodeId: bigint, instruction: Message): void;
  /** A SuperNode sent what it takes for the reply to an instruction. */
  replied(nodeId: bigint, reply: Message): void;
}
