/**
 * Starts the process of a ServerApp or a ClientApp and keeps it from outliving its parent.
 *
 * @module
 */

import { type Address, formatAddress, reachableAddress } from "../wire/address.ts";
import type { PythonEnvironment } from "./python_environment.ts";

/** Which part of an app a process runs. */
export type AppKind = "serverapp" | "clientapp";

/** What a process is started with. */
export interface AppLaunch {
  readonly kind: AppKind;
  /** The API that the process calls: ServerAppIo or ClientAppIo, without TLS. */
  readonly apiAddress: Address;
  /** Admits the process to its run. Never logged; Flower 1.25 takes it on the command line only. */
  readonly token: string;
  /** Where FABs are installed; `FLWR_HOME` of the process. */
  readonly flwrDirectory: string;
}

/** A process that was started. */
export interface AppProcess {
  readonly pid: number;
  /** Comes when the process has ended in whatever way. */
  readonly exited: Promise<Deno.CommandStatus>;
  /** Asks it to end, and makes it end when it does not within `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/** Starts Flower's own app program, with the exact flags that Flower 1.25's SuperExec uses. */
export function startPythonApp(environment: PythonEnvironment, launch: AppLaunch): AppProcess {
  const { kind, token, flwrDirectory } = launch;
  const address = formatAddress(reachableAddress(launch.apiAddress));
  return startProcess(kind === "serverapp" ? environment.serverApp : environment.clientApp, [
    "--insecure",
    kind === "serverapp" ? "--serverappio-api-address" : "--clientappio-api-address",
    address,
    "--token",
    token,
    // Flower's programs end themselves when this process is gone.
    "--parent-pid",
    String(Deno.pid),
    "--flwr-dir",
    flwrDirectory,
  ], { FLWR_HOME: flwrDirectory });
}

/** Starts a program whose output goes where ours goes. */
export function startProcess(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): AppProcess {
  const child = new Deno.Command(program, {
    args: [...args],
    env: { ...env },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  let running = true;
  const exited = child.status.finally(() => running = false);
  const signal = (name: Deno.Signal) => {
    if (running) child.kill(name);
  };
  return {
    pid: child.pid,
    exited,
    async stop(graceMs) {
      signal("SIGTERM");
      const timer = setTimeout(() => signal("SIGKILL"), graceMs);
      await exited;
      clearTimeout(timer);
    },
  };
}
