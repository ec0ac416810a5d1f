/**
 * Where a FAB holds what was bundled of a TypeScript app.
 *
 * @module
 */

import type { Fab } from "../../fab/read_fab.ts";
import type { AppKind } from "../app_process.ts";
import type { AppRuntime } from "../app_starter.ts";

/** The SDK, which the bundles of both components import. */
export const SDK_PATH = "bundle/sdk.js";

/** The module that a component's worker loads. */
export function bundlePath(kind: AppKind): string {
  return `bundle/${kind}.js`;
}

/** The files that may hold the module of a reference such as `package.module:attribute`. */
export function pythonPaths(reference: string): readonly string[] {
  const [module = ""] = reference.split(":");
  const path = module.replaceAll(".", "/");
  return [`${path}.py`, `${path}/__init__.py`];
}

/**
 * Which programs run a component. An app whose runtime is TypeScript may have one component in Python:
 * the one that was not bundled and has a Python module.
 */
export function componentRuntime(
  { app, files }: Pick<Fab, "app" | "files">,
  kind: AppKind,
): AppRuntime {
  if (app.runtime === "python" || files.has(bundlePath(kind))) return app.runtime;
  const reference = kind === "serverapp" ? app.serverApp : app.clientApp;
  return pythonPaths(reference).some((path) => files.has(path)) ? "python" : "typescript";
}
