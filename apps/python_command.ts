/**
 * The command lines of Flower's own app programs.
 *
 * @module
 */

import { formatAddress, reachableAddress } from "../wire/address.ts";
import type { AppCommand, AppLaunch } from "./app_process.ts";
import type { PythonEnvironment } from "./python_environment.ts";

/** What starts an app, with the exact flags that Flower 1.25's SuperExec uses. */
export function pythonCommand(environment: PythonEnvironment, launch: AppLaunch): AppCommand {
  const { kind, token, flwrDirectory } = launch;
  return {
    program: kind === "serverapp" ? environment.serverApp : environment.clientApp,
    args: [
      "--insecure",
      kind === "serverapp" ? "--serverappio-api-address" : "--clientappio-api-address",
      formatAddress(reachableAddress(launch.apiAddress)),
      "--token",
      token,
      // Flower's programs end themselves when this process is gone.
      "--parent-pid",
      String(Deno.pid),
      "--flwr-dir",
      flwrDirectory,
    ],
    env: { FLWR_HOME: flwrDirectory },
  };
}
