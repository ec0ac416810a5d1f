/**
 * The services of a SuperLink on its state, whatever they are bound to.
 *
 * @module
 */

import type { TaskSeekers } from "../apps/runtime/caller.ts";
import type { TimestampWindow } from "../keys/timestamp.ts";
import type { Log } from "../terminal/log.ts";
import type { IncomingCall, Service } from "../wire/service.ts";
import { serverAppService } from "./apps/service.ts";
import type { AuditTrail } from "./audit/audit.ts";
import { AuditEvents } from "./audit/events.ts";
import { withAudit } from "./audit/operator_calls.ts";
import { FailedProofs } from "./auth/failed_proofs.ts";
import { CoreTurns } from "./auth/core_turns.ts";
import { authenticateFleetCall } from "./auth/fleet_caller.ts";
import { KnownKeys } from "./auth/known_keys.ts";
import { Refusals } from "./auth/refusals.ts";
import { withinCapacity } from "./capacity.ts";
import type { Clock } from "./clock.ts";
import { accessService } from "./access/service.ts";
import type { PagePlace } from "./access/login_page.ts";
import { controlAccessOf } from "./access/parts.ts";
import type { ControlRule } from "./control/access.ts";
import { controlService } from "./control/service.ts";
import { controlService141 } from "./control/service_1_41.ts";
import { fleetService } from "./fleet/service.ts";
import { CallRate, withinRate } from "./call_rate.ts";
import { limitLog } from "./limit_log.ts";
import { type CallLimits, callLimits, type ChangedLimits, limitOf } from "./limits.ts";
import { Admission } from "./registry/admission.ts";
import { nodeKeysService } from "./registry/node_keys_service.ts";
import { registryService } from "./registry/service.ts";
import type { Onlooker, RunOnlooker } from "./onlooker.ts";
import { runtimeService } from "./runtime/service.ts";
import type { State } from "./state.ts";
import { atStorageBoundary, type StorageAlarm } from "./storage_boundary.ts";

/** How services are set. */
export interface ServicesOptions {
  /** Only keys that were registered through the Control API may join. */
  readonly managed: boolean;
  /** How old and how far ahead a SuperNode's signed timestamp may be. */
  readonly window: TimestampWindow;
  /** How many proofs of a peer may fail in a minute before they are not verified any more. */
  readonly failedProofsPerMinute: number;
  readonly limits: ChangedLimits;
  /** How long a call may be held until there is something to answer, in milliseconds. */
  readonly holdMs: number;
  /** Who may look for tasks of the Runtime API. */
  readonly seekers: TaskSeekers;
  /** Who may call the Control API. */
  readonly controlRule: ControlRule;
  /** Where the page for operators is, once it is there. */
  readonly page?: (() => PagePlace | undefined) | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly alarm: StorageAlarm;
  /** Takes what operators and nodes do. */
  readonly audit: AuditTrail;
  readonly onlooker?: Onlooker | undefined;
  readonly runOnlooker?: RunOnlooker | undefined;
}

/** The services that planes bind. */
export interface Services {
  readonly fleet: Service;
  /** Trellis's own service for SuperNodes, on both planes beside the Fleet API. */
  readonly nodeKeys: Service;
  readonly control: Service;
  /** The Control API as Flower 1.37 and newer have it. */
  readonly control141: Service;
  /** Trellis's own services for operators (`trellis.v1`), on both planes beside the Control API. */
  readonly operators: readonly Service[];
  readonly serverApps: Service;
  /** For the app processes of Flower 1.35 and newer. */
  readonly runtime: Service;
}

/** How far the clock of a SuperNode may be ahead, in milliseconds (Flower 1.23 to 1.42). */
export const PROOF_DRIFT_MS = 5_000;

/** Makes the services. */
export function superLinkServices(state: State, options: ServicesOptions): Services {
  const { nodes, guard, httpSessions } = state;
  const { window, clock, log, alarm, audit, onlooker } = options;
  const events = new AuditEvents(audit);
  const refusals = new Refusals(log, clock, (refusal) => {
    onlooker?.refused(refusal);
    events.refused(refusal);
  });
  const knownKeys = new KnownKeys();
  const nodeOfKey = (keyId: string) => nodes.ofKey(keyId, clock.nowMicros());
  const admission = new Admission(clock, refusals);
  const failedProofs = new FailedProofs(options.failedProofsPerMinute, clock);
  const proofs = {
    ...{ window, clock, guard, knownKeys, failedProofs, turns: new CoreTurns() },
    ...{ nodeOfKey, httpSessions, refusals, admission },
  };
  const common = { ...state, ...options, ...controlAccessOf(state, options) };
  const atOnce = limitOf(options.limits, "calls-at-once");
  const reached = limitLog(log, clock);
  const boundedBy = (limits: CallLimits) => {
    const { status } = limits;
    const rate = new CallRate(limits, clock, reached);
    return (service: Service) => {
      const stored = atStorageBoundary(service, status, alarm);
      return withinRate(withinCapacity(stored, status, atOnce), rate);
    };
  };
  const limits = callLimits(options.limits);
  const fleet = boundedBy(limits.fleet);
  const control = boundedBy(limits.control);
  const apps = boundedBy(limits.apps);
  const forNodes = {
    ...common,
    refusals,
    admission,
    events,
    async authenticate(call: IncomingCall) {
      const caller = await authenticateFleetCall(call, proofs);
      onlooker?.admitted(caller, call);
      return caller;
    },
  };
  const forOperators = (service: Service) => control(withAudit(service, audit));
  return {
    fleet: fleet(fleetService(forNodes)),
    nodeKeys: fleet(nodeKeysService(forNodes)),
    control: forOperators(controlService(common)),
    control141: forOperators(controlService141(common)),
    operators: [
      forOperators(registryService(common)),
      forOperators(accessService(common)),
    ],
    serverApps: apps(serverAppService(common)),
    runtime: apps(runtimeService(common)),
  };
}
