/**
 * What the SuperLink does by the clock: ends leases, writes renewed ones, and lets go of what is no
 * longer needed.
 *
 * @module
 */

import type { Log } from "../terminal/log.ts";
import type { Grants } from "./access/grants.ts";
import type { AuditTrail } from "./audit/audit.ts";
import { AuditEvents } from "./audit/events.ts";
import type { Sessions } from "./auth/http_sessions.ts";
import type { ProofGuard } from "./auth/proof_guard.ts";
import type { Clock } from "./clock.ts";
import type { Objects } from "./objects/objects.ts";
import { ExpiryWatch } from "./registry/expiry.ts";
import type { Imports } from "./registry/imports.ts";
import type { OldRuns } from "./runs/old_runs.ts";
import type { RunRounds } from "./rounds/run_rounds.ts";
import type { Runs } from "./runs/runs.ts";
import { StorageFailure } from "./state/commit.ts";
import type { Nodes } from "./state/nodes.ts";
import type { StorageAlarm } from "./storage_boundary.ts";

/** What upkeep works on. */
export interface UpkeepOptions {
  readonly nodes: Nodes;
  readonly runs: Runs;
  readonly grants: Grants;
  readonly imports: Imports;
  readonly guard: ProofGuard;
  readonly httpSessions: Sessions;
  readonly alarm: StorageAlarm;
  /** What their messages say of runs; nobody follows them when absent. */
  readonly rounds?: RunRounds | undefined;
  /** Absent where runs are kept for ever. */
  readonly oldRuns?: OldRuns | undefined;
  readonly audit: AuditTrail;
  /** Registrations that ended up to then were told of. */
  readonly toldUntilMicros: number;
  readonly clock: Clock;
  readonly log: Log;
}

const SECOND_MICROS = 1_000_000;
const LEASE_PERIOD_MS = 1_000;
const RUN_PERIOD_MS = 1_000;
const GUARD_PERIOD_MS = 30_000;
const NODE_PERIOD_MS = 10 * 60_000;
const EXPIRY_PERIOD_MS = 60_000;
/** The disk was full, say, when one was carried out. */
const IMPORT_PERIOD_MS = 60_000;
const OLD_RUN_PERIOD_MS = 5 * 60_000;
/** How long the row of a keyless node stays to be looked at after it has unregistered. */
const KEYLESS_GONE_MICROS = 3_600 * SECOND_MICROS;
/** How long a keyless node may be silent before its process counts as gone. */
const KEYLESS_SILENT_MICROS = 7 * 24 * 3_600 * SECOND_MICROS;

/** Does at once all that is due where several SuperLinks share the state; each of them may. */
export async function sweep(options: SweepOptions): Promise<void> {
  const { objects, clock } = options;
  await options.nodes.presence.expireDue(clock.nowMicros());
  const expiry = new ExpiryWatch({ ...options, toldUntilMicros: clock.nowMicros() });
  await expiry.cutOff();
  await expiry.endKeys();
  await endSilentRuns(options);
  await objects.recover();
  await options.imports.finish();
  await lookAfterNodes(options);
}

/** What a sweep works on. */
export interface SweepOptions extends Sweep {
  readonly objects: Objects;
}

/** Starts the timers. `stop` ends them and writes the leases that are not on disk yet. */
export function startUpkeep(options: UpkeepOptions): { stop(): Promise<void> } {
  const { nodes, runs, rounds, guard, httpSessions, alarm, clock, log } = options;
  const expiry = new ExpiryWatch(options);
  const failed = (error: unknown) => {
    if (error instanceof StorageFailure) alarm.raise(error);
    else log.error("superlink.upkeep-failed", `Upkeep failed: ${error}`);
  };
  const tasks: readonly [number, () => Promise<unknown> | void][] = [
    [LEASE_PERIOD_MS, async () => {
      await nodes.presence.expireDue(clock.nowMicros());
      await nodes.writeLeases();
      await expiry.cutOff();
      await expiry.endKeys();
    }],
    [RUN_PERIOD_MS, async () => {
      await runs.writeCosts();
      await rounds?.write();
      await endSilentRuns(options);
    }],
    [GUARD_PERIOD_MS, () => {
      guard.prune(clock.nowMicros());
      httpSessions.prune();
    }],
    [NODE_PERIOD_MS, () => lookAfterNodes(options)],
    [OLD_RUN_PERIOD_MS, () => options.oldRuns?.sweep()],
    [EXPIRY_PERIOD_MS, () => expiry.warn()],
    [IMPORT_PERIOD_MS, () => options.imports.finish()],
  ];
  const running = new Set<Promise<unknown>>();
  const timers = tasks.map(([periodMs, task]) => {
    let busy = false;
    return setInterval(() => {
      if (busy) return;
      busy = true;
      const run = Promise.resolve().then(task).catch(failed).finally(() => {
        busy = false;
        running.delete(run);
      });
      running.add(run);
    }, periodMs);
  });
  return {
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await Promise.all(running);
      await nodes.writeLeases();
      await runs.writeCosts().catch(failed);
      await rounds?.write().catch(failed);
    },
  };
}

type Sweep = Pick<
  UpkeepOptions,
  "imports" | "nodes" | "runs" | "grants" | "audit" | "clock" | "log"
>;

async function endSilentRuns({ runs, clock, log }: Sweep): Promise<void> {
  for (const { runId, details } of await runs.expireDue(clock.nowMicros())) {
    log.warning("run.failed", `Run ${runId} failed. ${details}`, { runId: String(runId) });
  }
  await runs.cleanUpEnded();
}

async function lookAfterNodes({ nodes, grants, audit, clock, log }: Sweep): Promise<void> {
  const events = new AuditEvents(audit);
  const now = clock.nowMicros();
  for (const row of await nodes.retireSilent(now - KEYLESS_SILENT_MICROS, now)) {
    log.info(
      "node.retired",
      `SuperNode ${row.nodeId} was unregistered: it had registered itself and was silent for ` +
        "a week.",
      { nodeId: String(row.nodeId), fingerprint: row.fingerprint },
    );
    events.byClock("node.unregister", row);
  }
  await nodes.reduceGone(now - KEYLESS_GONE_MICROS);
  await grants.sweep();
}
