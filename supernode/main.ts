/**
 * `trellis supernode`.
 *
 * @module
 */

import { HELP_FLAG, helpText, parseCommand } from "../terminal/command.ts";
import { ExitError, UsageError } from "../terminal/errors.ts";
import { describeFailure } from "../terminal/failure.ts";
import { createLog, type Log } from "../terminal/log.ts";
import { onStopSignals } from "../terminal/stop_signals.ts";
import { type Address, formatAddress } from "../wire/address.ts";
import { diagnoseConnection } from "../wire/diagnose.ts";
import { GrpcChannel } from "../wire/grpc/client.ts";
import { healthService } from "../wire/grpc/health.ts";
import { GrpcServer } from "../wire/grpc/server.ts";
import { systemClock } from "./clock.ts";
import { flags, supernodeSpec } from "./flags.ts";
import { FleetClient } from "./fleet/fleet_client.ts";
import { FleetConnection } from "./fleet/fleet_connection.ts";
import { runLifeCycle } from "./life_cycle.ts";
import { LinkWatch, withoutNoise } from "./fleet/link_watch.ts";
import { type SuperNodeOptions, supernodeOptions } from "./options.ts";
import { RetriesExhausted } from "./fleet/retry.ts";
import { CONNECTION_NOT_INITIALISED } from "./fleet/refusal_sentences.ts";

/** Runs a SuperNode until a signal stops it or the SuperLink refuses it; gives the exit code. */
export async function supernodeCommand(args: readonly string[]): Promise<number> {
  const { flags: raw } = parseCommand(supernodeSpec, args);
  if (HELP_FLAG.of(raw)) {
    console.log(helpText(supernodeSpec));
    return 0;
  }
  const log = createLog({ format: flags.logFormat.of(raw) });
  try {
    using stop = onStopSignals();
    await runSuperNode(await supernodeOptions(raw), log, stop.signal);
    log.info("supernode.stopped", "SuperNode terminated gracefully.");
    return 0;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    return logFailure(error, log);
  }
}

/** Runs a SuperNode until `signal` aborts. Throws what ends it otherwise. */
export async function runSuperNode(
  options: SuperNodeOptions,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const { superlink, security, retryLimits, key, healthAddress } = options;
  const superlinkText = formatAddress(superlink);
  log.info(
    "supernode.starting",
    `Starting Trellis SuperNode for the SuperLink at ${superlinkText}, with ` +
      (key ? `key ${key.publicKey.fingerprint}.` : "a key of its own making."),
    { superlink: superlinkText, fingerprint: key?.publicKey.fingerprint },
  );
  for (const warning of options.warnings) log.warning("supernode.warning", warning);

  const clock = systemClock;
  const connection = new FleetConnection(() => new GrpcChannel(superlink, security), clock);
  const observer = new LinkWatch({
    superlink,
    diagnose: () => diagnoseConnection(superlink, security),
    clock,
    log,
  });
  const retry = { limits: retryLimits, clock, random: Math.random, observer };
  const health = healthAddress && await serveHealth(healthAddress, log);
  try {
    await runLifeCycle({
      key,
      connect: (key) => FleetClient.create(key, connection, retry),
      connections: () => connection.connections,
      superlink: superlinkText,
      clock,
      random: Math.random,
      log,
      maxWaitMs: retryLimits.maxWaitMs,
    }, signal);
  } catch (error) {
    throw error instanceof RetriesExhausted ? unreachable(error, superlinkText) : error;
  } finally {
    connection.close();
    await health?.drain(HEALTH_GRACE_MS);
  }
}

const HEALTH_MESSAGE_BYTES = 64 * 1024;
const HEALTH_GRACE_MS = 500;

async function serveHealth(address: Address, log: Log): Promise<GrpcServer> {
  const server = new GrpcServer({ maxMessageBytes: HEALTH_MESSAGE_BYTES });
  server.add(healthService(() => true));
  const bound = formatAddress(await server.listen(address));
  log.info("supernode.health", `The gRPC health service is on ${bound}.`, { address: bound });
  return server;
}

function unreachable({ tries, elapsedMs, message }: RetriesExhausted, superlink: string) {
  const seconds = (elapsedMs / 1000).toFixed(1);
  return new ExitError(
    `The SuperLink at ${superlink} was not available in ${tries} ${
      tries === 1 ? "try" : "tries"
    } ` +
      `and ${seconds} s (${withoutNoise(message)}).`,
    {
      remedy: "Raise --max-retries and --max-wait-time, or leave them out to wait for it.",
      flowerCode: CONNECTION_NOT_INITIALISED,
    },
  );
}

/** Says why the SuperNode ends, with Flower's number where it has one; gives the exit code. */
function logFailure(error: unknown, log: Log): number {
  const { message, remedy, exitCode } = describeFailure(error);
  const flowerExitCode = error instanceof ExitError ? error.flowerCode : undefined;
  log.error("supernode.failed", message, { exitCode, flowerExitCode });
  if (remedy !== undefined) log.error("supernode.remedy", remedy);
  return exitCode;
}
