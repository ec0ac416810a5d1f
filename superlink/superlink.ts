/**
 * A SuperLink: its state, its services and the ports that they listen on.
 *
 * @module
 */

import type { StartApp } from "../apps/app_starter.ts";
import type { TaskSeekers } from "../apps/runtime/caller.ts";
import { SuperExecAuth, type UsedNonces } from "../apps/runtime/superexec_auth.ts";
import type { Log } from "../terminal/log.ts";
import type { Address } from "../wire/address.ts";
import { callTracer } from "../wire/call_tracer.ts";
import { healthService } from "../wire/grpc/health.ts";
import type { ServerTls } from "../wire/tls.ts";
import { type AuditTrail, NO_AUDIT } from "./audit/audit.ts";
import { tellWhoMayCall } from "./access/notice.ts";
import { Launcher } from "./apps/launcher.ts";
import { healthWatch } from "./health.ts";
import type { Clock } from "./clock.ts";
import type { PageAccess } from "./dashboard/access.ts";
import { Listeners } from "./listeners.ts";
import type { SuperLinkOptions } from "./options.ts";
import { type GrpcAddresses, openAppPorts, openGrpcPlane, openHttpPlane } from "./planes.ts";
import { PROOF_DRIFT_MS, superLinkServices } from "./services.ts";
import { openState } from "./state.ts";
import type { Database } from "./state/database.ts";
import { StorageAlarm } from "./storage_boundary.ts";
import { OldRuns } from "./runs/old_runs.ts";
import { startUpkeep } from "./upkeep.ts";

/** A SuperLink that serves. */
export interface RunningSuperLink {
  /** The addresses really listened on. */
  readonly grpc: GrpcAddresses | undefined;
  readonly httpAddress: Address | undefined;
  readonly healthAddress: Address | undefined;
  readonly dashboardAddress: Address | undefined;
  /** How many things are waited for by the calls that are held, and by the SuperLink itself. */
  waiting(): number;
  /** Shows another certificate to new connections; those that are open stay. */
  changeTls(tls: ServerTls): Promise<void>;
  /** Ends held calls, lets the others finish, and writes what is left to write. */
  stop(): Promise<void>;
}

/** What a SuperLink is made of. */
export interface SuperLinkParts {
  readonly options: SuperLinkOptions;
  readonly tls: ServerTls | undefined;
  /** Closed by {@linkcode RunningSuperLink.stop}, and when the start fails. */
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** Takes what operators and nodes do; nobody does when absent. */
  readonly audit?: AuditTrail | undefined;
  /** Where that log is, for the page; it shows none when absent. */
  readonly auditFolder?: string | undefined;
  /** Registrations that ended up to then have their lines; all that ended before now when absent. */
  readonly toldUntilMicros?: number | undefined;
  /** Starts ServerApps, in isolation `subprocess`. */
  readonly startApp: StartApp;
  /** What SuperExecs must know to get tasks, in isolation `process`; nothing when absent. */
  readonly superExecSecret?: Uint8Array | undefined;
  /** Who may open the page, where there is one; anybody when absent. */
  readonly pageAccess?: PageAccess | undefined;
}

function taskSeekers(
  { options, superExecSecret, clock }: SuperLinkParts,
  nonces: UsedNonces,
): TaskSeekers {
  if (options.isolation === "subprocess") return "nobody";
  return superExecSecret ? new SuperExecAuth(superExecSecret, clock, nonces) : "anybody";
}

/** How long calls under way may take to finish when the SuperLink stops. */
const DRAIN_MS = 5_000;

/** Opens the state, starts the services and listens. */
export async function startSuperLink(parts: SuperLinkParts): Promise<RunningSuperLink> {
  const { options, tls, database, clock, log, audit = NO_AUDIT } = parts;
  const { managed, holdMs, registrationsPerMinute, failedProofsPerMinute } = options;
  const window = { toleranceMs: options.proofToleranceMs, driftMs: PROOF_DRIFT_MS };
  let launcher: Launcher | undefined;
  const runOnlooker = await runSpans();
  const dashboard = await dashboardFor(parts);
  const state = await openState({
    database,
    window,
    registrationsPerMinute,
    clock,
    log,
    runEnded: (runId) => launcher?.runEnded(runId),
    runOnlooker,
    messageWatch: dashboard?.rounds,
    audit,
  });
  const { runs, bells } = state;
  let pageAddress: Address | undefined;
  const makesTokens = dashboard !== undefined && parts.pageAccess?.kind !== "api-tokens";
  await tellWhoMayCall(options.controlRule, state.grants, database, makesTokens, log);
  const alarm = new StorageAlarm(log);
  const services = superLinkServices(state, {
    managed,
    window,
    failedProofsPerMinute,
    limits: options.limits,
    holdMs,
    seekers: taskSeekers(parts, state.nonces),
    controlRule: options.controlRule,
    page: () => pageAddress && { address: pageAddress, tls: tls !== undefined },
    clock,
    log,
    alarm,
    audit,
    onlooker: dashboard?.onlooker,
    runOnlooker,
  });
  const { keepRunsS } = options;
  const oldRuns = keepRunsS === undefined
    ? undefined
    : new OldRuns({ ...state, kv: database.kv, keepMicros: keepRunsS * 1e6, audit, clock, log });
  const upkeep = startUpkeep({
    ...{ ...state, rounds: dashboard?.rounds, oldRuns, audit, alarm, clock, log },
    toldUntilMicros: parts.toldUntilMicros ?? clock.nowMicros(),
  });
  let serving = false;
  const listeners = new Listeners(log, () => serving, dashboard?.onlooker.called);
  const health = options.healthAddress &&
    healthWatch(services, {
      ...{ database, auditFolder: parts.auditFolder },
      isServing: () => serving,
    });
  const stop = async () => {
    serving = false;
    health?.changed();
    await launcher?.stop();
    dashboard?.stop();
    bells.stop();
    health?.end();
    await listeners.drain(DRAIN_MS);
    runOnlooker?.stop();
    await upkeep.stop();
    await database.close();
  };

  try {
    const plane = { options, tls, listeners, services, log };
    const grpc = await openGrpcPlane(plane);
    const httpAddress = await openHttpPlane(plane);
    const healthAddress = options.healthAddress && await listeners.grpc(
      { name: "health server", address: options.healthAddress },
      [healthService(() => serving, health)],
      options.maxMessageBytes,
    );
    const dashboardAddress = await dashboard?.open({
      state,
      services,
      listeners,
      isServing: () => serving,
    });
    pageAddress = dashboardAddress;
    if (options.isolation === "subprocess") {
      const { flwrDirectory } = options;
      launcher = new Launcher({
        runs,
        bells,
        clock,
        log,
        startApp: parts.startApp,
        ...await openAppPorts(plane, grpc),
        flwrDirectory,
      });
      await launcher.start();
    }
    serving = true;
    health?.changed();
    return {
      grpc,
      httpAddress,
      healthAddress,
      dashboardAddress,
      waiting: () => bells.size,
      changeTls: (tls) => listeners.changeTls(tls),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Where calls are traced, runs are. */
async function runSpans() {
  if (!callTracer) return undefined;
  const { RunSpans } = await import("./tracing/run_spans.ts");
  return new RunSpans();
}

/** The page is loaded only where there is one. */
async function dashboardFor(
  { options: { dashboard: options, controlRule: rule, limits }, pageAccess, ...parts }:
    SuperLinkParts,
) {
  if (!options) return undefined;
  const { Dashboard } = await import("./dashboard/dashboard.ts");
  const { audit = NO_AUDIT, auditFolder } = parts;
  const access = pageAccess ?? { kind: "anybody" };
  const operatorToken = rule.kind === "tokens" ? rule.operatorToken : undefined;
  return new Dashboard({ ...parts, options, limits, access, operatorToken, audit, auditFolder });
}
