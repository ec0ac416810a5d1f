/**
 * Where Flower's own programs are: the environment whose Python runs the Python apps.
 *
 * @module
 */

import { delimiter, dirname, join, resolve } from "node:path";
import { ExitError } from "../terminal/errors.ts";

/** The programs that run Python apps. */
export interface PythonEnvironment {
  readonly serverApp: string;
  readonly clientApp: string;
}

/** What Flower 1.25 names its app programs. */
const SERVER_APP = "flwr-serverapp";
const CLIENT_APP = "flwr-clientapp";

/**
 * Finds `flwr-serverapp` and `flwr-clientapp`: beside the given Python (or in the environment folder
 * that `python` names), else on `PATH`. `undefined` when there is no `--python` and none on `PATH`.
 * Throws an {@linkcode ExitError} when `--python` names a place where flwr is not installed.
 */
export async function findPythonEnvironment(
  python: string | undefined,
): Promise<PythonEnvironment | undefined> {
  if (python === undefined) {
    for (const folder of (Deno.env.get("PATH") ?? "").split(delimiter)) {
      const found = folder === "" ? undefined : await programsIn(folder);
      if (found) return found;
    }
    return undefined;
  }
  for (const folder of [dirname(resolve(python)), join(python, "bin"), join(python, "Scripts")]) {
    const found = await programsIn(folder);
    if (found) return found;
  }
  throw new ExitError(`There is no flwr in the environment of --python "${python}".`, {
    remedy: `Install it there (${python} -m pip install flwr==1.25.0), or name another Python.`,
  });
}

async function programsIn(folder: string): Promise<PythonEnvironment | undefined> {
  const suffix = Deno.build.os === "windows" ? ".exe" : "";
  const serverApp = join(folder, SERVER_APP + suffix);
  const clientApp = join(folder, CLIENT_APP + suffix);
  return await isFile(serverApp) && await isFile(clientApp) ? { serverApp, clientApp } : undefined;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}
