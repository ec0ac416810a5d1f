/**
 * The command lines of Flower's own app programs.
 *
 * @module
 */

import { ExitError } from "../terminal/errors.ts";
import { formatAddress, reachableAddress } from "../wire/address.ts";
import type { AppCommand, AppLaunch } from "./app_process.ts";
import { appProgramStyle } from "./flower_version.ts";
import type { PythonEnvironment } from "./python_environment.ts";

/** What starts an app, with the exact flags that the SuperExec of its Flower version uses. */
export async function pythonCommand(
  environment: PythonEnvironment,
  launch: AppLaunch,
): Promise<AppCommand> {
  const { kind, token, flwrDirectory } = launch;
  const program = kind === "serverapp" ? environment.serverApp : environment.clientApp;
  const { overHttp, takesFlwrDir, serverAppApiIsGone } = await appProgramStyle(program);
  if (kind === "serverapp" && serverAppApiIsGone) {
    throw new ExitError("ServerApps of Flower 1.28 to 1.34 call an API that is not served here.", {
      remedy: "Name the Python of an environment with flwr 1.25, or 1.35 and newer, with --python.",
    });
  }
  return {
    program,
    args: [
      "--insecure",
      ...overHttp ? runtimeApi(launch) : appIoApi(launch),
      "--token",
      token,
      // Flower's programs end themselves when this process is gone.
      "--parent-pid",
      String(Deno.pid),
      ...takesFlwrDir ? ["--flwr-dir", flwrDirectory] : [],
    ],
    env: { FLWR_HOME: flwrDirectory },
  };
}

function appIoApi({ kind, apiAddress }: AppLaunch): string[] {
  const flag = kind === "serverapp" ? "--serverappio-api-address" : "--clientappio-api-address";
  return [flag, formatAddress(reachableAddress(apiAddress))];
}

function runtimeApi({ kind, runtimeAddress }: AppLaunch): string[] {
  if (runtimeAddress) {
    return ["--runtime-api-address", formatAddress(reachableAddress(runtimeAddress))];
  }
  throw new ExitError(`Apps of Flower 1.35 and newer cannot be run here as a ${kind}.`, {
    remedy: "Name the Python of an environment with an older flwr with --python.",
  });
}
