/**
 * Starts app processes for whichever language an app is written in.
 *
 * @module
 */

import { ExitError } from "../terminal/errors.ts";
import { type AppLaunch, type AppProcess, startPythonApp } from "./app_process.ts";
import { findPythonEnvironment } from "./python_environment.ts";

/** Which programs run an app (`[tool.trellis] runtime`, Python without one). */
export type AppRuntime = "python" | "typescript";

/** Starts the process of an app. Throws an {@linkcode ExitError} that says what is missing. */
export type StartApp = (runtime: AppRuntime, launch: AppLaunch) => AppProcess;

/** What app processes are started with. */
export interface AppStarterOptions {
  /** The Python whose environment has flwr; the first flwr on `PATH` without. */
  readonly python: string | undefined;
}

/** Finds what app processes need. Throws an {@linkcode ExitError} when `--python` has no flwr. */
export async function appStarter(options: AppStarterOptions): Promise<StartApp> {
  const python = await findPythonEnvironment(options.python);
  return (runtime, launch) => {
    if (runtime === "typescript") {
      throw new ExitError("TypeScript apps cannot be started here.");
    }
    if (!python) {
      throw new ExitError(`There is no flwr on PATH to run the ${launch.kind} with.`, {
        remedy: "Install flwr where this program runs, or name its Python with --python.",
      });
    }
    return startPythonApp(python, launch);
  };
}
