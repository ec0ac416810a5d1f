/**
 * A SuperLink: its state, its services and the ports that they listen on.
 *
 * @module
 */

import { KnownKeys } from "./auth/known_keys.ts";
import { authenticateFleetCall } from "./auth/fleet_caller.ts";
import { FailedProofs } from "./auth/failed_proofs.ts";
import { HttpSessions } from "./auth/http_sessions.ts";
import { PeerLimit } from "./auth/peer_limit.ts";
import { Refusals } from "./auth/refusals.ts";
import { withinCapacity } from "./capacity.ts";
import type { Clock } from "./clock.ts";
import { controlService } from "./control/service.ts";
import { controlService141 } from "./control/service_1_41.ts";
import { fleetService } from "./fleet/service.ts";
import { Launcher } from "./apps/launcher.ts";
import type { StartApp } from "../apps/app_starter.ts";
import type { TaskSeekers } from "../apps/runtime/caller.ts";
import { SuperExecAuth } from "../apps/runtime/superexec_auth.ts";
import { serverAppService } from "./apps/service.ts";
import { Bells, topics } from "./bells.ts";
import { MessageStore } from "./messages/message_store.ts";
import { Messages } from "./messages/messages.ts";
import { Objects } from "./objects/objects.ts";
import { Fabs } from "./runs/fabs.ts";
import { Runs } from "./runs/runs.ts";
import { Listeners } from "./listeners.ts";
import { type GrpcAddresses, openAppPorts, openGrpcPlane, openHttpPlane } from "./planes.ts";
import { runtimeService } from "./runtime/service.ts";
import type { SuperLinkOptions } from "./options.ts";
import type { Database } from "./state/database.ts";
import { Marks } from "./state/marks.ts";
import { Nodes } from "./state/nodes.ts";
import { atStorageBoundary, StorageAlarm } from "./storage_boundary.ts";
import { startUpkeep } from "./upkeep.ts";
import { ReplayGuard } from "../keys/replay_guard.ts";
import type { Log } from "../terminal/log.ts";
import type { Address } from "../wire/address.ts";
import { healthService } from "../wire/grpc/health.ts";
import type { Service } from "../wire/service.ts";
import type { ServerTls } from "../wire/tls.ts";

/** A SuperLink that serves. */
export interface RunningSuperLink {
  /** The addresses really listened on. */
  readonly grpc: GrpcAddresses | undefined;
  readonly httpAddress: Address | undefined;
  readonly healthAddress: Address | undefined;
  /** How many things are waited for by the calls that are held, and by the SuperLink itself. */
  waiting(): number;
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
  /** Starts ServerApps, in isolation `subprocess`. */
  readonly startApp: StartApp;
  /** What SuperExecs must know to get tasks, in isolation `process`; nothing when absent. */
  readonly superExecSecret?: Uint8Array | undefined;
}

function taskSeekers({ options, superExecSecret, clock }: SuperLinkParts): TaskSeekers {
  if (options.isolation === "subprocess") return "nobody";
  return superExecSecret ? new SuperExecAuth(superExecSecret, clock) : "anybody";
}

/** How far the clock of a SuperNode may be ahead, in milliseconds (Flower 1.23 to 1.42). */
const PROOF_DRIFT_MS = 5_000;
/** How long calls under way may take to finish when the SuperLink stops. */
const DRAIN_MS = 5_000;

/** Opens the state, starts the services and listens. */
export async function startSuperLink(parts: SuperLinkParts): Promise<RunningSuperLink> {
  const { options, tls, database, clock, log } = parts;
  const bells = new Bells();
  const marks = database.durable ? new Marks(database.kv) : undefined;
  const window = { toleranceMs: options.proofToleranceMs, driftMs: PROOF_DRIFT_MS };
  const guard = new ReplayGuard({
    windowMicros: (window.toleranceMs + window.driftMs) * 1000,
    // What was seen before a start is not known when nothing outlives the process.
    ...(database.durable ? {} : { floorMicros: clock.nowMicros() }),
  });
  const httpSessions = new HttpSessions(clock);
  const nodes = await Nodes.open(
    database.kv,
    {
      expired: (row) => {
        bells.ring(topics.nodes);
        log.info(
          "node.expired",
          `SuperNode ${row.nodeId} went offline: it was not heard of for its lease.`,
          { nodeId: String(row.nodeId), fingerprint: row.fingerprint },
        );
      },
      unregistered: (row) => {
        bells.ring(topics.inbox(row.nodeId));
        bells.ring(topics.nodes);
        guard.forget(row.keyId);
        httpSessions.forget(row.keyId);
      },
    },
    log,
    clock.nowMicros(),
    marks,
  );
  const objects = new Objects(database.kv, database.blobs);
  await objects.recover();
  const messages = new Messages(
    await MessageStore.open(database.kv, objects),
    objects,
    nodes,
    bells,
    clock.nowMicros(),
  );
  let launcher: Launcher | undefined;
  const fabs = new Fabs(database.blobs);
  const runs = new Runs(database.kv, bells, async ({ runId }) => {
    launcher?.runEnded(runId);
    await messages.deleteRun(runId);
  });
  await runs.recover(clock.nowMicros());
  const refusals = new Refusals(log, clock);
  const knownKeys = new KnownKeys();
  const failedProofs = new FailedProofs(options.failedProofsPerMinute, clock);
  const fleet = fleetService({
    managed: options.managed,
    authenticate: (call) =>
      authenticateFleetCall(call, {
        window,
        clock,
        guard,
        marks,
        knownKeys,
        failedProofs,
        nodeOfKey: (keyId) => nodes.ofKey(keyId),
        httpSessions,
        refusals,
      }),
    nodes,
    guard,
    marks,
    bells,
    runs,
    fabs,
    messages,
    registrations: new PeerLimit(options.registrationsPerMinute, clock),
    refusals,
    clock,
    log,
    holdMs: options.holdMs,
  });
  const { holdMs } = options;
  const controlOptions = { nodes, runs, fabs, bells, clock, log, holdMs };
  const control = controlService(controlOptions);
  const control141 = controlService141(controlOptions);
  const serverApps = serverAppService({ runs, fabs, messages, nodes, bells, clock, holdMs });

  const runtime = runtimeService({
    runs,
    fabs,
    messages,
    nodes,
    bells,
    clock,
    log,
    holdMs,
    seekers: taskSeekers(parts),
  });

  const alarm = new StorageAlarm(log);
  const upkeep = startUpkeep({ nodes, runs, guard, marks, httpSessions, alarm, clock, log });
  let serving = false;
  const listeners = new Listeners(log, () => serving);
  const stop = async () => {
    serving = false;
    await launcher?.stop();
    bells.stop();
    await listeners.drain(DRAIN_MS);
    await upkeep.stop();
    await database.close();
  };

  try {
    const bounded = (service: Service, status: "UNAVAILABLE" | "RESOURCE_EXHAUSTED") =>
      withinCapacity(atStorageBoundary(service, status, alarm), status);
    const services = {
      fleet: bounded(fleet, "UNAVAILABLE"),
      control: bounded(control, "RESOURCE_EXHAUSTED"),
      control141: bounded(control141, "RESOURCE_EXHAUSTED"),
      serverApps: bounded(serverApps, "RESOURCE_EXHAUSTED"),
      runtime: bounded(runtime, "RESOURCE_EXHAUSTED"),
    };
    const plane = { options, tls, listeners, services, log };
    const grpc = await openGrpcPlane(plane);
    const httpAddress = await openHttpPlane(plane);
    const healthAddress = options.healthAddress && await listeners.grpc(
      { name: "health server", address: options.healthAddress },
      [healthService(() => serving)],
      options.maxMessageBytes,
    );
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
    return { grpc, httpAddress, healthAddress, waiting: () => bells.size, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
