/**
 * A SuperNode, put together.
 *
 * @module
 */

import type { StartApp } from "../apps/app_starter.ts";
import type { TaskSeekers } from "../apps/runtime/caller.ts";
import { SuperExecAuth } from "../apps/runtime/superexec_auth.ts";
import { ExitError } from "../terminal/errors.ts";
import { FLOWER_EXIT_CODES } from "../terminal/exit_codes.ts";
import type { Log } from "../terminal/log.ts";
import { type Address, formatAddress } from "../wire/address.ts";
import { diagnoseConnection } from "../wire/diagnose.ts";
import { type ClientSecurity, GrpcChannel } from "../wire/grpc/client.ts";
import { healthService } from "../wire/grpc/health.ts";
import { HealthWatch } from "../wire/grpc/health_watch.ts";
import { GrpcServer } from "../wire/grpc/server.ts";
import type { ServerTls } from "../wire/tls.ts";
import { offeredTransport, type Transport } from "../wire/transport.ts";
import { ClientApps } from "./apps/client_apps.ts";
import { type ClientAppAddresses, ClientAppPorts } from "./apps/ports.ts";
import { clientAppServices } from "./apps/service.ts";
import type { StartClientApp } from "./apps/task.ts";
import { systemClock } from "./clock.ts";
import { FleetClient } from "./fleet/fleet_client.ts";
import { type Channel, FleetConnection } from "./fleet/fleet_connection.ts";
import { LinkWatch, withoutNoise } from "./fleet/link_watch.ts";
import { RetriesExhausted } from "./fleet/retry.ts";
import { FleetTransport } from "./fleet/transport_channel.ts";
import { type Connected, runLifeCycle } from "./life_cycle.ts";
import type { SuperNodeOptions } from "./options.ts";
import { Confirmations } from "./work/confirmations.ts";
import { NodeRuns } from "./work/node_runs.ts";
import { ObjectStore } from "./work/object_store.ts";
import { work } from "./work/work.ts";

/** What of the world a SuperNode's parts are given. */
export interface SuperNodeParts {
  readonly log: Log;
  /** Starts apps; absent when others start them (isolation `process`). */
  readonly startApp: StartApp | undefined;
  /** Told of a run that is over, for which there may be apps that wait. */
  readonly endRun?: ((runId: bigint) => void) | undefined;
  /** What SuperExecs must know to get tasks, in isolation `process`; nothing when absent. */
  readonly superExecSecret?: Uint8Array | undefined;
  /** For the APIs that ClientApps call; absent: without TLS. */
  readonly tls?: ServerTls | undefined;
}

function taskSeekers({ startApp, superExecSecret }: SuperNodeParts): TaskSeekers {
  if (startApp) return "nobody";
  if (!superExecSecret) return "anybody";
  return new SuperExecAuth(superExecSecret, { nowMicros: () => Date.now() * 1000 });
}

const SMALL_MESSAGE_BYTES = 64 * 1024;
/** As in Flower 1.25.0: a message may hold any object. */
const UNLIMITED_MESSAGE_BYTES = 2_147_483_647;
/** A ClientApp's pull for an object that is on its way is held this long. */
const HOLD_MS = 20_000;
const DRAIN_MS = 500;

/** Runs a SuperNode until `signal` aborts. Throws what ends it otherwise. */
export async function runSuperNode(
  options: SuperNodeOptions,
  parts: SuperNodeParts,
  signal: AbortSignal,
): Promise<void> {
  const { log, startApp, superExecSecret, tls } = parts;
  const { superlink, security, retryLimits, key, nodeConfig } = options;
  const superlinkText = formatAddress(superlink);
  log.info(
    "supernode.starting",
    `Starting Trellis SuperNode for the SuperLink at ${superlinkText}, with ` +
      (key ? `key ${key.publicKey.fingerprint}.` : "a key of its own making."),
    { superlink: superlinkText, fingerprint: key?.publicKey.fingerprint },
  );
  for (const warning of options.warnings) log.warning("supernode.warning", warning);

  const clock = systemClock;
  const nowSeconds = () => Date.now() / 1000;
  const { flwrDirectory } = options;
  const { runtimeAddress } = options;
  let addresses: ClientAppAddresses = { apiAddress: options.clientAppAddress, runtimeAddress };
  const start: StartClientApp | undefined = startApp &&
    ((runtime, token) => {
      const runId = apps.runIdOf(token);
      return startApp(runtime, { kind: "clientapp", ...addresses, token, flwrDirectory, runId });
    });
  const objects = new ObjectStore(options.maxObjectBytes);
  const apps = new ClientApps({ objects, clock, log, start });
  let runs: NodeRuns | undefined;
  const ports = new ClientAppPorts({
    services: clientAppServices({
      apps,
      objects,
      runOf: (runId) => runs?.get(runId),
      seekers: taskSeekers(parts),
      holdMs: HOLD_MS,
      log,
    }),
    clientAppAddress: addresses.apiAddress,
    runtimeAddress,
    tls,
    maxMessageBytes: UNLIMITED_MESSAGE_BYTES,
    guarded: superExecSecret !== undefined,
    startsApps: startApp !== undefined,
    log,
  });

  const transport = new FleetTransport({
    choice: options.transport,
    look: () => offeredTransport(superlink, security),
    open: (transport) => openChannel(transport, superlink, security),
    decided(transport) {
      const name = transport === "http" ? "HTTP" : "gRPC";
      log.info("supernode.transport", `The SuperLink speaks ${name}.`, { transport });
    },
  });
  const connection = new FleetConnection(() => transport.channel(), clock);
  const diagnose = () => diagnoseConnection(superlink, security, { transport: transport.choice });
  const observer = new LinkWatch({
    superlink,
    get transport() {
      return transport.choice;
    },
    diagnose,
    clock,
    log,
  });
  const retry = { limits: retryLimits, clock, random: Math.random, observer };
  const connect = async (key: Parameters<typeof FleetClient.create>[0]): Promise<Connected> => {
    const fleet = await FleetClient.create(key, connection, retry);
    return {
      calls: fleet,
      work(nodeId, stop, cut) {
        // Contexts last through a short absence of the SuperLink, but not into another node's life.
        if (runs?.nodeId !== nodeId) runs = new NodeRuns(nodeId, nodeConfig);
        const { maxApps, stopGraceMs } = options;
        const runOver = (runId: bigint) => parts.endRun?.(runId);
        const limits = { maxApps, stopGraceMs };
        // What was not confirmed in an earlier stay is handed out again: nobody has it any more.
        const confirmations = new Confirmations();
        return work(
          {
            ...{ fleet, nodeId, runs, apps, objects, confirmations },
            ...{ clock, nowSeconds, log, runOver, ...limits },
          },
          stop,
          cut,
        );
      },
    };
  };

  const health = new GrpcServer({ maxMessageBytes: SMALL_MESSAGE_BYTES });
  let serves = true;
  const healthWatch = new HealthWatch({ looks: new Map([["", () => serves]]) });
  try {
    addresses = await ports.open();
    if (options.healthAddress) {
      health.add(healthService(() => true, healthWatch));
      const address = formatAddress(await health.listen(options.healthAddress));
      log.info("supernode.health", `The gRPC health service is on ${address}.`, { address });
    }
    await runLifeCycle({
      key,
      connect,
      connections: () => connection.connections,
      superlink: superlinkText,
      clock,
      random: Math.random,
      log,
      maxWaitMs: retryLimits.maxWaitMs,
    }, signal);
  } catch (error) {
    if (!(error instanceof RetriesExhausted)) throw error;
    const problem = await diagnose();
    throw unreachable(error, superlinkText, problem?.sentence ?? error.message);
  } finally {
    connection.close();
    serves = false;
    healthWatch.end();
    await Promise.all([ports, health].map((server) => server.drain(DRAIN_MS)));
  }
}

async function openChannel(
  transport: Transport,
  superlink: Address,
  security: ClientSecurity,
): Promise<Channel> {
  if (transport === "grpc") return new GrpcChannel(superlink, security);
  // Half a second of loading that only those wait for who need it.
  const { HttpChannel } = await import("../wire/http/client.ts");
  return new HttpChannel(superlink, security);
}

function unreachable(
  { tries, elapsedMs }: RetriesExhausted,
  superlink: string,
  reason: string,
): ExitError {
  const seconds = (elapsedMs / 1000).toFixed(1);
  return new ExitError(
    `The SuperLink at ${superlink} was not available in ${tries} ${
      tries === 1 ? "try" : "tries"
    } ` +
      `and ${seconds} s (${withoutNoise(reason)}).`,
    {
      remedy: "Raise --max-retries and --max-wait-time, or leave them out to wait for it.",
      flowerCode: FLOWER_EXIT_CODES.connectionNotInitialised,
    },
  );
}
