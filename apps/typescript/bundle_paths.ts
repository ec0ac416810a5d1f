/**
 * Where a FAB holds what was bundled of a TypeScript app.
 *
 * @module
 */

import type { AppKind } from "../app_process.ts";

/** The SDK, which the bundles of both components import. */
export const SDK_PATH = "bundle/sdk.js";

/** The module that a component's worker loads. */
export function bundlePath(kind: AppKind): string {
  return `bundle/${kind}.js`;
}

/**
 * Which programs run a component: TypeScript if the FAB holds its bundle. The components of one app
 * may be written in different languages.
 *
 * @param paths the files of the FAB, for example `fab.files`.
 */
export function componentRuntime(
  paths: { has(path: string): boolean },
  kind: AppKind,
): "python" | "typescript" {
  return paths.has(bundlePath(kind)) ? "typescript" : "python";
}
