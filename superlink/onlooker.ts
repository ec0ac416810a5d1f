/**
 * Somebody who looks on while a SuperLink serves: its page and its metrics. Nothing that is served
 * depends on it, and each word costs next to nothing.
 *
 * @module
 */

import type { ObserveCall } from "../wire/observed_call.ts";
import type { IncomingCall } from "../wire/service.ts";
import type { FleetCaller } from "./auth/fleet_caller.ts";
import type { Refusal } from "./auth/refusals.ts";

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
