/**
 * Starts TypeScript apps, and keeps their processes: one for each run between its messages, and one
 * that waits for a run to come.
 *
 * @module
 */

import { formatAddress } from "../../wire/address.ts";
import type { AppLaunch, AppProcess } from "../app_process.ts";
import type { AppPermissions } from "./app_permissions.ts";
import {
  type TypeScriptLaunch,
  TypeScriptProcess,
  type TypeScriptRun,
} from "./typescript_process.ts";

/** What {@linkcode TypeScriptApps} works with. */
export interface TypeScriptAppsOptions {
  readonly permissions: AppPermissions;
  /**
   * How many processes may wait for another message of their run; they do not count as apps at work.
   * With 0, each app gets a process of its own that ends with it.
   */
  readonly maxIdle: number;
  readonly limits?: Partial<Limits>;
}

interface Limits {
  /** A process of a run that gets no message for so long is ended. A new one costs some 0.2 s. */
  readonly idleMs: number;
  /** So long after the last app has ended, a process is made ready for the next run. */
  readonly spareAfterMs: number;
  /** So long after the last app was started, it is at the latest: while apps are at work. */
  readonly spareAtLastMs: number;
  /** A process that waits for a run is ended when none has come for so long. */
  readonly spareMs: number;
}

const LIMITS: Limits = {
  idleMs: 60_000,
  spareAfterMs: 1_000,
  spareAtLastMs: 15_000,
  spareMs: 600_000,
};
/** A process whose message was answered is ready for the next one much sooner. */
const READY_MS = 2_000;
/** How long a process may take to end. */
const END_MS = 2_000;

/** The process of a run, which is idle while it has a timer. */
interface Kept {
  readonly process: TypeScriptProcess;
  idleTimer?: ReturnType<typeof setTimeout> | undefined;
}

/** One program's TypeScript apps, until it is disposed. */
export class TypeScriptApps implements AsyncDisposable {
  readonly #options: TypeScriptAppsOptions;
  readonly #limits: Limits;
  readonly #alive = new Set<TypeScriptProcess>();
  /** By {@linkcode keyOf}; the one that has been idle for the longest time comes first. */
  readonly #kept = new Map<string, Kept>();
  #spare: { readonly use: string; readonly process: TypeScriptProcess } | undefined;
  #spareTimer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(options: TypeScriptAppsOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
  }

  /**
   * Runs an app, in the process of its run if there is one. `exited` comes when the app has ended;
   * to stop it ends the process. Throws an `ExitError` for a path with a comma.
   */
  async start(launch: AppLaunch): Promise<AppProcess> {
    this.#planSpare(launch, this.#limits.spareAtLastMs);
    const ready = await this.#takeKept(launch) ?? this.#takeSpare(launch);
    if (ready) {
      const { taken, app } = this.#run(ready, launch);
      if (await soon(taken)) return app;
      // It is gone, or must be: the token is for one process.
      await ready.close(0);
    }
    return this.#run(this.#open(launch), launch).app;
  }

  /** The process that waits for a run to come, if there is one. */
  get sparePid(): number | undefined {
    return this.#spare?.process.pid;
  }

  /** Ends the process that waits for another message of this run, if there is one. */
  endRun(runId: bigint): void {
    for (const [key, { process, idleTimer }] of this.#kept) {
      if (key.startsWith(`${runId} `) && idleTimer !== undefined) this.#end(process);
    }
  }

  /** Ends all processes, after at most 2 s, whatever they do. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#spareTimer);
    await Promise.all([...this.#alive].map((process) => process.close(END_MS)));
  }

  #run(process: TypeScriptProcess, launch: AppLaunch): TypeScriptRun {
    const key = keyOf(launch);
    if (key !== undefined && this.#options.maxIdle > 0) this.#kept.set(key, { process });
    const run = process.run(launch.token);
    void run.app.exited.then(() => {
      this.#planSpare(launch, this.#limits.spareAfterMs);
      const kept = key === undefined ? undefined : this.#kept.get(key);
      if (key === undefined || kept?.process !== process || !process.isUsable) this.#end(process);
      else this.#rest(key, kept);
    });
    return run;
  }

  /** Keeps a process that has nothing to do for the next message of its run. */
  #rest(key: string, kept: Kept): void {
    kept.idleTimer = setTimeout(() => this.#end(kept.process), this.#limits.idleMs);
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const idle = [...this.#kept.values()].filter(({ idleTimer }) => idleTimer !== undefined);
    for (const { process } of idle.slice(0, -this.#options.maxIdle)) this.#end(process);
  }

  /** The process of the run, once it is ready for another message. */
  async #takeKept(launch: AppLaunch): Promise<TypeScriptProcess | undefined> {
    const key = keyOf(launch);
    const kept = key === undefined ? undefined : this.#kept.get(key);
    if (kept === undefined) return undefined;
    const { process } = kept;
    await soon(process.idle());
    if (!process.isUsable) return undefined;
    if (process.isIdle) {
      clearTimeout(kept.idleTimer);
      return process;
    }
    this.#end(process);
    return undefined;
  }

  #takeSpare(launch: AppLaunch): TypeScriptProcess | undefined {
    const spare = this.#spare;
    if (spare === undefined || !spare.process.isUsable || spare.use !== useOf(launch)) {
      return undefined;
    }
    this.#spare = undefined;
    return spare.process;
  }

  /** Waits for a calm moment to make a process ready for the next run. */
  #planSpare(launch: AppLaunch, afterMs: number): void {
    if (this.#options.maxIdle === 0 || this.#isOver) return;
    const { spareMs } = this.#limits;
    clearTimeout(this.#spareTimer);
    this.#spareTimer = setTimeout(() => {
      const use = useOf(launch);
      if (this.#spare?.use !== use) {
        if (this.#spare) this.#end(this.#spare.process);
        this.#spare = { use, process: this.#open(launch) };
      }
      this.#spareTimer = setTimeout(() => {
        if (this.#spare) this.#end(this.#spare.process);
      }, spareMs);
    }, afterMs);
  }

  #open(launch: AppLaunch): TypeScriptProcess {
    const process = new TypeScriptProcess(launch, this.#options.permissions);
    this.#alive.add(process);
    void process.ended.then(() => {
      this.#alive.delete(process);
      this.#forget(process);
    });
    if (this.#isOver) this.#end(process);
    return process;
  }

  #end(process: TypeScriptProcess): void {
    this.#forget(process);
    void process.close(END_MS);
  }

  #forget(process: TypeScriptProcess): void {
    if (this.#spare?.process === process) this.#spare = undefined;
    for (const [key, kept] of this.#kept) {
      if (kept.process !== process) continue;
      clearTimeout(kept.idleTimer);
      this.#kept.delete(key);
    }
  }
}

/** What a process that has nothing to do says; `undefined` when it says nothing. */
async function soon<T>(said: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), READY_MS);
  try {
    return await Promise.race([said, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What two apps must have in common to run in one process after the other. */
function useOf({ kind, apiAddress, flwrDirectory }: TypeScriptLaunch): string {
  return `${kind} ${formatAddress(apiAddress)} ${flwrDirectory}`;
}

/** What names the process of a run; `undefined` for an app that runs once. */
function keyOf(launch: AppLaunch): string | undefined {
  return launch.runId === undefined ? undefined : `${launch.runId} ${useOf(launch)}`;
}
