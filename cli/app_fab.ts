/**
 * Builds the FAB of the app that a command line names, whatever language it is written in.
 *
 * @module
 */

import type { AppConfig } from "../fab/app_config.ts";
import { buildFab, type BuiltFab } from "../fab/build_fab.ts";
import { FabError } from "../fab/fab_error.ts";

/** A FAB, and what its author should know of it. */
export interface AppFab {
  readonly fab: BuiltFab;
  readonly warnings: readonly string[];
}

/**
 * Builds the FAB of the app in a directory.
 *
 * @throws FabError, also when a component of a Python app is in none of its files
 */
export async function buildAppFab(directory: string): Promise<AppFab> {
  const fab = await buildFab(directory, bundle);
  return { fab, warnings: fab.app.runtime === "python" ? checkComponents(fab) : [] };
}

/** Apps in TypeScript are bundled, so that nodes need nothing but the FAB. */
async function bundle(directory: string, app: AppConfig): Promise<ReadonlyMap<string, Uint8Array>> {
  if (app.runtime === "python") return new Map();
  const { bundleTypeScriptApp } = await import("../apps/typescript/bundle_app.ts");
  return await bundleTypeScriptApp(directory, app);
}

/**
 * A module that belongs to a package of the app must be there. Any other one may be installed where
 * the app runs, and gets a warning: far more often it is a slip of the pen.
 */
function checkComponents({ app, paths }: BuiltFab): string[] {
  const warnings: string[] = [];
  for (const reference of new Set([app.serverApp, app.clientApp])) {
    const module = reference.slice(0, reference.indexOf(":")).replaceAll(".", "/");
    const candidates = [`${module}.py`, `${module}/__init__.py`];
    if (candidates.some((path) => paths.includes(path))) continue;
    const [top = ""] = module.split("/");
    const what = `The component "${reference}" needs the file "${module}.py"`;
    if (paths.some((path) => path.startsWith(`${top}/`))) {
      throw new FabError(
        `${what}, which is not in the app or is named by its .gitignore. ` +
          "Correct [tool.flwr.app.components] in its pyproject.toml.",
      );
    }
    warnings.push(`${what}, which is not in the app; it must be installed where the app runs.`);
  }
  return warnings;
}
