/**
 * What the SuperLink does by the clock: ends leases, writes renewed ones, and lets go of what is no
 * longer needed.
 *
 * @module
 */

import type { ReplayGuard } from "../keys/replay_guard.ts";
import type { Log } from "../terminal/log.ts";
import type { HttpSessions } from "./auth/http_sessions.ts";
import type { Clock } from "./clock.ts";
import type { Marks } from "./state/marks.ts";
import type { Runs } from "./runs/runs.ts";
import { StorageFailure } from "./state/commit.ts";
import type { Nodes } from "./state/nodes.ts";
import type { StorageAlarm } from "./storage_boundary.ts";

/** What upkeep works on. */
export interface UpkeepOptions {
  readonly nodes: Nodes;
  readonly runs: Runs;
  readonly guard: ReplayGuard;
  readonly marks: Marks | undefined;
  readonly httpSessions: HttpSessions;
  readonly alarm: StorageAlarm;
  readonly clock: Clock;
  readonly log: Log;
}

const SECOND_MICROS = 1_000_000;
const LEASE_PERIOD_MS = 1_000;
const RUN_PERIOD_MS = 1_000;
const GUARD_PERIOD_MS = 30_000;
const NODE_PERIOD_MS = 10 * 60_000;
/** How long the row of a keyless node stays to be looked at after it has unregistered. */
const KEYLESS_GONE_MICROS = 3_600 * SECOND_MICROS;
/** How long a keyless node may be silent before its process counts as gone. */
const KEYLESS_SILENT_MICROS = 7 * 24 * 3_600 * SECOND_MICROS;

/** Starts the timers. `stop` ends them and writes the leases that are not on disk yet. */
export function startUpkeep(options: UpkeepOptions): { stop(): Promise<void> } {
  const { nodes, runs, guard, marks, httpSessions, alarm, clock, log } = options;
  const failed = (error: unknown) => {
    if (error instanceof StorageFailure) alarm.raise(error);
    else log.error("superlink.upkeep-failed", `Upkeep failed: ${error}`);
  };
  const tasks: readonly [number, () => Promise<unknown> | void][] = [
    [LEASE_PERIOD_MS, async () => {
      await nodes.expireDue(clock.nowMicros());
      await nodes.writeLeases();
    }],
    [RUN_PERIOD_MS, async () => {
      for (const { runId, details } of await runs.expireDue(clock.nowMicros())) {
        log.warning("run.failed", `Run ${runId} failed. ${details}`, { runId: String(runId) });
      }
      await runs.writeCosts();
      await runs.cleanUpEnded();
    }],
    [GUARD_PERIOD_MS, () => {
      const now = clock.nowMicros();
      guard.prune(now);
      marks?.prune(now - guard.windowMicros);
      httpSessions.prune();
    }],
    [NODE_PERIOD_MS, async () => {
      const now = clock.nowMicros();
      for (const row of await nodes.retireSilent(now - KEYLESS_SILENT_MICROS, now)) {
        log.info(
          "node.retired",
          `SuperNode ${row.nodeId} was unregistered: it had registered itself and was silent for ` +
            "a week.",
          { nodeId: String(row.nodeId), fingerprint: row.fingerprint },
        );
      }
      await nodes.reduceGone(now - KEYLESS_GONE_MICROS);
    }],
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
    },
  };
}
