/**
 * A SuperLink: its state, its services and the ports that they listen on.
 *
 * @module
 */

import { KnownKeys } from "./auth/known_keys.ts";
import { authenticateFleetCall } from "./auth/fleet_caller.ts";
import { HttpSessions } from "./auth/http_sessions.ts";
import { Refusals } from "./auth/refusals.ts";
import type { Clock } from "./clock.ts";
import { controlService } from "./control/service.ts";
import { RegistrationLimit } from "./fleet/registration_limit.ts";
import { fleetService } from "./fleet/service.ts";
import { Launcher } from "./apps/launcher.ts";
import type { StartApp } from "../apps/app_starter.ts";
import { serverAppService } from "./apps/service.ts";
import { Bells, topics } from "./bells.ts";
import { MessageStore } from "./messages/message_store.ts";
import { Messages } from "./messages/messages.ts";
import { Objects } from "./objects/objects.ts";
import { Fabs } from "./runs/fabs.ts";
import { Runs } from "./runs/runs.ts";
import type { SuperLinkOptions } from "./options.ts";
import type { Database } from "./state/database.ts";
import { Marks } from "./state/marks.ts";
import { Nodes } from "./state/nodes.ts";
import { startUpkeep } from "./upkeep.ts";
import { ReplayGuard } from "../keys/replay_guard.ts";
import { ExitError } from "../terminal/errors.ts";
import type { Log } from "../terminal/log.ts";
import { type Address, formatAddress, isLoopback } from "../wire/address.ts";
import { healthService } from "../wire/grpc/health.ts";
import { GrpcServer } from "../wire/grpc/server.ts";
import { ListenError } from "../wire/listen_error.ts";
import type { Service } from "../wire/service.ts";
import type { ServerTls } from "../wire/tls.ts";

/** A SuperLink that serves. */
export interface RunningSuperLink {
  /** The addresses really listened on. */
  readonly fleetAddress: Address;
  readonly controlAddress: Address;
  readonly serverAppAddress: Address;
  readonly healthAddress: Address | undefined;
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
}

/** How far the clock of a SuperNode may be ahead, in milliseconds (Flower 1.23 to 1.42). */
const PROOF_DRIFT_MS = 5_000;
/** FABs have at most 10 MiB; nothing else that the CLI sends is large. */
const CONTROL_MESSAGE_LIMIT_BYTES = 32 * 1024 ** 2;
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
    await messages.deleteRun(runId);
    launcher?.runEnded(runId);
  });
  await runs.recover(clock.nowMicros());
  const refusals = new Refusals(log, clock);
  const knownKeys = new KnownKeys();
  const fleet = fleetService({
    managed: options.managed,
    authenticate: (call) =>
      authenticateFleetCall(call, {
        window,
        clock,
        guard,
        marks,
        knownKeys,
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
    registrations: new RegistrationLimit(options.registrationsPerMinute, clock),
    refusals,
    clock,
    log,
    holdMs: options.holdMs,
  });
  const { holdMs } = options;
  const control = controlService({ nodes, runs, fabs, bells, clock, log, holdMs });
  const serverApps = serverAppService({ runs, fabs, messages, nodes, bells, clock, holdMs });

  const upkeep = startUpkeep({ nodes, runs, guard, marks, httpSessions, clock, log });
  const listeners: GrpcServer[] = [];
  let serving = false;
  const stop = async () => {
    serving = false;
    await launcher?.stop();
    bells.stop();
    await Promise.all(listeners.map((listener) => listener.drain(DRAIN_MS)));
    await upkeep.stop();
    await database.close();
  };
  const listen = async (
    service: Service,
    address: Address,
    serverTls: ServerTls | undefined,
    maxMessageBytes: number,
  ) => {
    const server = new GrpcServer({
      tls: serverTls,
      maxMessageBytes,
      onInternalError: (method, error) => logInternalError(log, method, error),
    });
    server.add(service);
    const bound = await server.listen(address);
    listeners.push(server);
    return bound;
  };

  try {
    const limit = options.maxMessageBytes;
    const controlAddress = await listen(
      control,
      options.controlAddress,
      tls,
      Math.min(limit, CONTROL_MESSAGE_LIMIT_BYTES),
    );
    logListener(log, "Control API", controlAddress, tls, REACH.control);
    const serverAppAddress = await listen(serverApps, options.serverAppAddress, undefined, limit);
    logListener(log, "ServerAppIo API", serverAppAddress, undefined, REACH.serverApps);
    const fleetAddress = await listen(fleet, options.fleetAddress, tls, limit);
    logListener(log, "Fleet API", fleetAddress, tls);
    const healthAddress = options.healthAddress &&
      await listen(healthService(() => serving), options.healthAddress, undefined, limit);
    if (healthAddress) logListener(log, "health server", healthAddress, undefined);
    if (options.isolation === "subprocess") {
      const { flwrDirectory } = options;
      launcher = new Launcher({
        runs,
        bells,
        clock,
        log,
        startApp: parts.startApp,
        apiAddress: serverAppAddress,
        flwrDirectory,
      });
      await launcher.start();
    }
    serving = true;
    return { fleetAddress, controlAddress, serverAppAddress, healthAddress, stop };
  } catch (error) {
    await stop();
    if (!(error instanceof ListenError)) throw error;
    throw new ExitError(error.message, {
      cause: error,
      remedy: "Stop the program that uses the port, or choose another address.",
    });
  }
}

/** Who can do what on an API that asks for no credentials, once it is reachable from outside. */
const REACH = {
  control: "register and unregister SuperNodes, and start and stop runs",
  serverApps: "act as a ServerApp",
} as const;

function logListener(
  log: Log,
  api: string,
  address: Address,
  tls: ServerTls | undefined,
  open?: string,
): void {
  const text = formatAddress(address);
  const security = tls ? "TLS" : "no TLS";
  log.info("superlink.listening", `Starting ${api} on ${text} (${security}).`, {
    api,
    address: text,
    tls: tls !== undefined,
  });
  if (open === undefined || isLoopback(address.host)) return;
  log.warning(
    "superlink.open",
    `Whoever can reach ${text} can ${open}: the ${api} asks for no credentials.`,
    { api, address: text },
  );
}

function logInternalError(log: Log, method: string, error: unknown): void {
  const cause = error instanceof Error ? error.stack ?? error.message : String(error);
  log.error("superlink.internal-error", `${method} failed: ${cause}`, { method });
}
