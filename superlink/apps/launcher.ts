/**
 * Starts the processes of ServerApps (isolation `subprocess`) and says of each run how it ended when
 * its process does not.
 *
 * @module
 */

import type { AppProcess } from "../../apps/app_process.ts";
import type { StartApp } from "../../apps/app_starter.ts";
import { ExitError } from "../../terminal/errors.ts";
import type { Log } from "../../terminal/log.ts";
import type { Address } from "../../wire/address.ts";
import type { LocalApi } from "../../wire/local/local_api.ts";
import { type Bells, topics } from "../bells.ts";
import type { Clock } from "../clock.ts";
import type { Runs } from "../runs/runs.ts";
import type { RunRow } from "../state/layout.ts";

/** What the launcher works on. */
export interface LauncherOptions {
  readonly runs: Runs;
  readonly bells: Bells;
  readonly clock: Clock;
  readonly log: Log;
  readonly startApp: StartApp;
  /** Where the ServerAppIo API listens. */
  readonly apiAddress: Address;
  /** Where the Runtime API does, for apps of Flower 1.35 and newer. */
  readonly runtimeAddress: Address;
  /** The ServerAppIo API for apps in TypeScript. */
  readonly localApi: LocalApi;
  readonly flwrDirectory: string;
}

/** How long a ServerApp may take to notice that its run is over. */
const LEAVE_MS = 10_000;
/** When runs that could not be started are tried again, because the disk was full, say. */
const RETRY_MS = 1_000;
/** How long it may take to end when it is told to. */
const STOP_MS = 3_000;
const RESTARTED =
  "The SuperLink was started anew while the ServerApp ran, and the ServerApp ended with it.";
const STOPPED = "The SuperLink was stopped while the ServerApp ran.";

/** The ServerApp processes of one SuperLink. */
export class Launcher {
  readonly #options: LauncherOptions;
  readonly #processes = new Map<bigint, AppProcess>();
  readonly #stopping = new AbortController();
  readonly #watching = new Set<Promise<void>>();
  #loop: Promise<void> | undefined;

  constructor(options: LauncherOptions) {
    this.#options = options;
  }

  /** Ends the runs whose processes ended with an earlier SuperLink, and starts what is pending. */
  async start(): Promise<void> {
    const { runs, clock } = this.#options;
    for (const { runId, status, launched } of await runs.open()) {
      if (!launched || status !== "running") continue;
      await runs.finish(runId, clock.nowMicros(), "failed", RESTARTED);
    }
    this.#loop = this.#launchPending();
  }

  /** Sees to it that the process of a run which has ended ends too. */
  runEnded(runId: bigint): void {
    const process = this.#processes.get(runId);
    if (!process) return;
    const timer = setTimeout(() => this.#watch(process.stop(STOP_MS)), LEAVE_MS);
    this.#watch(process.exited.then(() => clearTimeout(timer)));
  }

  /** Ends all processes, and their runs with the reason. */
  async stop(): Promise<void> {
    const { runs, clock } = this.#options;
    this.#stopping.abort();
    await this.#loop;
    await Promise.all([...this.#processes].map(async ([runId, process]) => {
      this.#watch(runs.finish(runId, clock.nowMicros(), "failed", STOPPED));
      await process.stop(STOP_MS);
    }));
    await Promise.all(this.#watching);
  }

  async #launchPending(): Promise<void> {
    const { runs, bells, log } = this.#options;
    const { signal } = this.#stopping;
    using listener = await bells.listen(topics.pendingRuns);
    while (!signal.aborted) {
      let lookAgainMs = Number.MAX_SAFE_INTEGER;
      try {
        for (const row of await runs.open()) {
          const starting = row.status === "starting" && row.launched;
          if (row.status === "pending" || starting && !this.#processes.has(row.runId)) {
            await this.#launch(row);
          }
        }
      } catch (error) {
        log.error("run.launch-failed", `Runs could not be started: ${error}`);
        lookAgainMs = Date.now() + RETRY_MS;
      }
      const why = await listener.wait(lookAgainMs, signal);
      if (why === "stopped") return;
    }
  }

  async #launch({ runId, runtime }: RunRow): Promise<void> {
    const { runs, clock, log, startApp, flwrDirectory } = this.#options;
    const { apiAddress, runtimeAddress, localApi } = this.#options;
    const token = await runs.requestToken(runId, clock.nowMicros(), true);
    if (token === undefined) return;
    let process: AppProcess;
    try {
      process = await startApp(runtime, {
        kind: "serverapp",
        apiAddress,
        runtimeAddress,
        localApi,
        token,
        flwrDirectory,
      });
    } catch (error) {
      const reason = error instanceof ExitError
        ? [error.message, error.remedy ?? ""].join(" ").trim()
        : `The ServerApp process could not be started: ${error}`;
      log.error("run.launch-failed", `Run ${runId} cannot start. ${reason}`, {
        runId: String(runId),
      });
      await runs.appendLog(runId, `${reason}\n`, clock.nowMicros());
      await runs.finish(runId, clock.nowMicros(), "failed", reason);
      return;
    }
    this.#processes.set(runId, process);
    log.info("run.launched", `Started the ServerApp of run ${runId} (process ${process.pid}).`, {
      runId: String(runId),
      pid: process.pid,
    });
    this.#watch(this.#untilExit(runId, process));
  }

  async #untilExit(runId: bigint, process: AppProcess): Promise<void> {
    const { code, signal } = await process.exited;
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    try {
      await this.#finish(runId, code, how);
    } finally {
      this.#processes.delete(runId);
    }
  }

  async #finish(runId: bigint, code: number, how: string): Promise<void> {
    const { runs, clock, log } = this.#options;
    const row = await runs.get(runId);
    if (!row || row.status === "finished") return;
    if (row.outputsAt !== undefined && code === 0) {
      await runs.finish(runId, clock.nowMicros(), "completed", "");
      return;
    }
    const lastLine = await runs.logs.lastLine(runId);
    const details = `The ServerApp process ended ${how} before it reported a result.` +
      (lastLine === undefined ? "" : ` Last log line: ${lastLine}`);
    log.warning("run.failed", `Run ${runId} failed. ${details}`, { runId: String(runId) });
    await runs.finish(runId, clock.nowMicros(), "failed", details);
  }

  #watch(task: Promise<unknown>): void {
    const watched = task.catch((error) => {
      this.#options.log.error("run.watch-failed", `A ServerApp was lost track of: ${error}`);
    }).then(() => {
      this.#watching.delete(watched);
    });
    this.#watching.add(watched);
  }
}
