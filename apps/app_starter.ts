/**
 * Starts app processes for whichever language an app is written in.
 *
 * @module
 */

import { ExitError } from "../terminal/errors.ts";
import type { Log } from "../terminal/log.ts";
import { type AppLaunch, type AppProcess, startProcess } from "./app_process.ts";
import { Preload } from "./preload.ts";
import { pythonCommand } from "./python_command.ts";
import { findPythonEnvironment, type PythonEnvironment } from "./python_environment.ts";
import { interpreterOf } from "./python_interpreter.ts";
import { type AppPermissions, NO_PERMISSIONS } from "./typescript/app_permissions.ts";
import { TypeScriptApps } from "./typescript/typescript_apps.ts";

/** Which programs run an app (`[tool.trellis] runtime`, Python without one). */
export type AppRuntime = "python" | "typescript";

/** Starts the process of an app. Fails with an {@linkcode ExitError} that says what is missing. */
export type StartApp = (runtime: AppRuntime, launch: AppLaunch) => Promise<AppProcess>;

/** What app processes are started with. */
export interface AppStarterOptions {
  /** The Python whose environment has flwr; the first flwr on `PATH` without. */
  readonly python: string | undefined;
  /** Whether Python apps are forked from a process that has Flower loaded. */
  readonly preload: boolean;
  /** How many processes of TypeScript apps are kept for another message of their run. */
  readonly maxIdle: number;
  readonly log: Log;
  /** What TypeScript apps may do besides reading their own folder; nothing by default. */
  readonly appPermissions?: AppPermissions;
}

/** Starts apps until it is disposed, which ends all but Python apps that were not forked. */
export interface AppStarter extends AsyncDisposable {
  readonly start: StartApp;
  /** Ends what is kept for the messages of a run. */
  endRun(runId: bigint): void;
}

/** Finds what app processes need. Throws an {@linkcode ExitError} when `--python` has no flwr. */
export async function appStarter(options: AppStarterOptions): Promise<AppStarter> {
  const { appPermissions: permissions = NO_PERMISSIONS, maxIdle } = options;
  const python = await findPythonEnvironment(options.python);
  const preload = python && options.preload ? await preloadFor(python, options.log) : undefined;
  const typeScript = new TypeScriptApps({ permissions, maxIdle });
  return {
    async start(runtime, launch) {
      if (runtime === "typescript") return await typeScript.start(launch);
      if (!python) {
        throw new ExitError(`There is no flwr on PATH to run the ${launch.kind} with.`, {
          remedy: "Install flwr where this program runs, or name its Python with --python.",
        });
      }
      const command = await pythonCommand(python, launch);
      return preload ? await preload.start(command) : startProcess(command);
    },
    endRun: (runId) => typeScript.endRun(runId),
    async [Symbol.asyncDispose]() {
      await Promise.all([typeScript, preload].map((apps) => apps?.[Symbol.asyncDispose]()));
    },
  };
}

async function preloadFor(python: PythonEnvironment, log: Log): Promise<Preload | undefined> {
  const script = python.clientApp;
  const interpreter = await interpreterOf(script);
  if (interpreter) return new Preload({ interpreter, script, log });
  log.info("preload.off", `Each Python app loads Flower itself: ${script} names no Python.`);
  return undefined;
}
