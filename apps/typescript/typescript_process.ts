/**
 * Starts the process of a TypeScript app: this program again, as `app-process`.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ExitError } from "../../terminal/errors.ts";
import { formatAddress, reachableAddress } from "../../wire/address.ts";
import { type AppLaunch, type AppProcess, appProcess } from "../app_process.ts";
import { appPermissionArgs, type AppPermissions } from "./app_permissions.ts";

/** The program's own file, when it runs from source. */
const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** What grpc-js and the terminal read of the environment. */
const ENVIRONMENT = [
  "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
  "GRPC_EXPERIMENTAL_ENABLE_OUTLIER_DETECTION",
  "GRPC_NODE_DEBUG_SEND_ERROR_DETAILS",
  "GRPC_NODE_TRACE",
  "GRPC_NODE_USE_ALTERNATIVE_RESOLVER",
  "GRPC_NODE_VERBOSITY",
  "GRPC_SSL_CIPHER_SUITES",
  "GRPC_TRACE",
  "GRPC_VERBOSITY",
  "grpc_proxy",
  "http_proxy",
  "https_proxy",
  "no_grpc_proxy",
  "no_proxy",
  "COLUMNS",
  "NO_COLOR",
  "TRELLIS_DEBUG",
];

/**
 * Starts the process of an app's component. From source, Deno confines all of it to what it needs;
 * compiled, it has the program's permissions, and only the worker with the app's code is confined.
 *
 * Throws an {@linkcode ExitError} for a path with a comma.
 */
export function startTypeScriptApp(launch: AppLaunch, permissions: AppPermissions): AppProcess {
  const address = formatAddress(reachableAddress(launch.apiAddress));
  const flwrDirectory = resolve(launch.flwrDirectory);
  const confinement = [
    "run",
    "--no-prompt",
    // The app's code could ask the npm registry for a package, and so tell it something.
    "--cached-only",
    `--allow-net=${list(address, ...permissions.net)}`,
    `--allow-read=${list(flwrDirectory, ...permissions.read)}`,
    `--allow-write=${list(join(flwrDirectory, "apps"))}`,
    `--allow-env=${list(...ENVIRONMENT, ...permissions.env)}`,
    MAIN,
  ];
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...(Deno.build.standalone ? [] : confinement),
      "app-process",
      launch.kind,
      `--api-address=${address}`,
      `--parent-pid=${Deno.pid}`,
      `--flwr-dir=${flwrDirectory}`,
      ...appPermissionArgs(permissions),
    ],
    stdin: "piped",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  return appProcess({
    pid: child.pid,
    exited: hand(child.stdin, launch.token).then(() => child.status),
    signal: (name) => child.kill(name),
  });
}

/** A list as Deno's flags take it. They know no way to write a comma in a value. */
function list(...values: readonly string[]): string {
  const unspeakable = values.find((value) => value.includes(","));
  if (unspeakable === undefined) return values.join(",");
  throw new ExitError(`An app cannot be confined to "${unspeakable}", which has a comma.`, {
    remedy: "Use a path without one, for example by a link.",
  });
}

/** Writes the token. A process that has ended cannot take it, which its status tells. */
async function hand(stdin: WritableStream<Uint8Array<ArrayBuffer>>, token: string): Promise<void> {
  try {
    await new Blob([`${token}\n`]).stream().pipeTo(stdin);
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
