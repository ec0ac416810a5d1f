/**
 * One of the isolates that together are a SuperLink on Deno Deploy: the HTTP plane on a shared state.
 *
 * @module
 */

import { SuperExecAuth } from "../../apps/runtime/superexec_auth.ts";
import type { Log } from "../../terminal/log.ts";
import { type HttpHandler, httpHandler } from "../../wire/http/handler.ts";
import { StatusError } from "../../wire/status.ts";
import type { Clock } from "../clock.ts";
import { NO_AUDIT } from "../audit/audit.ts";
import { httpBindings } from "../http_bindings.ts";
import { PROOF_DRIFT_MS, superLinkServices } from "../services.ts";
import { openState } from "../state.ts";
import type { Database } from "../state/database.ts";
import { StorageFailure } from "../state/commit.ts";
import { StorageAlarm } from "../storage_boundary.ts";
import { sweep } from "../upkeep.ts";
import type { DeploySettings } from "./settings.ts";

/** What an isolate is made of. */
export interface IsolateParts {
  readonly settings: DeploySettings;
  /** A shared one; closed by {@linkcode Isolate.stop}. */
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

/** An isolate that serves. */
export interface Isolate {
  readonly handle: HttpHandler;
  /** Ends what nobody was heard of any more. Any isolate may do it for all. */
  sweep(): Promise<void>;
  /** Ends held calls and writes what is left to write. */
  stop(): Promise<void>;
}

/** How far behind what runs cost may be written, in milliseconds. */
const COSTS_PERIOD_MS = 1_000;

/** Opens the state and makes the handler. */
export async function openIsolate(
  { settings, database, clock, log }: IsolateParts,
): Promise<Isolate> {
  const { managed, holdMs, controlRule, registrationsPerMinute } = settings;
  const window = { toleranceMs: settings.proofToleranceMs, driftMs: PROOF_DRIFT_MS };
  // There is no file for lines that hold on to each other.
  const audit = NO_AUDIT;
  const state = await openState({
    database,
    window,
    registrationsPerMinute,
    clock,
    log,
    runEnded() {},
    audit,
  });
  const alarm = new StorageAlarm(log);
  const seekers = typeof settings.seekers === "string"
    ? settings.seekers
    : new SuperExecAuth(settings.seekers.secret, clock, state.nonces);
  const services = superLinkServices(state, {
    managed,
    window,
    failedProofsPerMinute: settings.failedProofsPerMinute,
    limits: settings.limits,
    holdMs,
    seekers,
    controlRule,
    clock,
    log,
    alarm,
    audit,
  });
  const handle = httpHandler({
    bindings: httpBindings(services, settings.maxMessageBytes, { runtime: true }),
    onInternalError: (method, error) =>
      log.error(
        "superlink.internal-error",
        `${method} failed: ${textOf(error)}`,
        { method },
      ),
  });
  const failed = (error: unknown) => {
    if (error instanceof StorageFailure) alarm.raise(error);
    else log.error("superlink.upkeep-failed", `Upkeep failed: ${error}`);
  };
  const costs = setInterval(() => void state.runs.writeCosts().catch(failed), COSTS_PERIOD_MS);
  // `deno serve` ends on a signal once nothing but this is left.
  Deno.unrefTimer(costs);
  return {
    handle,
    sweep: () => sweep({ ...state, audit, clock, log }).catch(failed),
    async stop() {
      clearInterval(costs);
      state.bells.stop();
      await state.runs.writeCosts().catch(failed);
      await database.close();
    },
  };
}

function textOf(error: unknown): string {
  const cause = error instanceof StatusError && error.cause !== undefined ? error.cause : error;
  return cause instanceof Error ? cause.stack ?? cause.message : String(cause);
}
