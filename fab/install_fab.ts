/**
 * Unpacks Flower App Bundles to where Flower's app processes look for them.
 *
 * @module
 */

import { dirname, join } from "node:path";
import type { AppConfig } from "./app_config.ts";
import { fabFileName } from "./build_fab.ts";
import { FabError } from "./fab_error.ts";
import type { Fab } from "./read_fab.ts";

/** What {@linkcode installFab} did. */
export interface Installation {
  readonly directory: string;
  /** Whether it was there already; its files were left alone. */
  readonly wasInstalled: boolean;
}

/**
 * Unpacks a FAB to `<home>/apps/<publisher>.<name>.<version>.<8 hex>`. The directory appears at
 * once with all its files; one that is there already is left alone, unless `replace` is set.
 *
 * @throws FabError when the app's name would lead out of `home`
 */
export async function installFab(
  fab: Fab,
  home: string,
  { replace = false }: { replace?: boolean } = {},
): Promise<Installation> {
  const apps = join(home, "apps");
  const directory = join(apps, directoryName(fab.app, fab.hash));
  const wasInstalled = await exists(directory);
  if (wasInstalled && !replace) return { directory, wasInstalled };

  await Deno.mkdir(apps, { recursive: true });
  const staging = await Deno.makeTempDir({ dir: apps, prefix: ".installing-" });
  try {
    const unpacked = join(staging, "new");
    for (const [path, content] of fab.files) {
      const file = join(unpacked, ...path.split("/"));
      await Deno.mkdir(dirname(file), { recursive: true });
      await Deno.writeFile(file, content);
    }
    if (wasInstalled) await Deno.rename(directory, join(staging, "old"));
    await Deno.rename(unpacked, directory);
  } catch (error) {
    // App processes of several nodes may install the same FAB at once; the first one does.
    if (replace || !await exists(directory)) throw error;
    return { directory, wasInstalled: true };
  } finally {
    await Deno.remove(staging, { recursive: true });
  }
  return { directory, wasInstalled };
}

/**
 * Checks that a FAB's file is called what it is, as Flower does: the name holds the publisher, the
 * name, the version and the start of the hash.
 *
 * @throws FabError
 */
export function checkFabFileName(fileName: string, { app, hash }: Fab): void {
  const expected = fabFileName(app, hash);
  if (fileName === expected) return;
  throw new FabError(
    `The FAB is called "${fileName}", but what it holds is "${expected}". ` +
      "It was changed or renamed; build it again, or give it this name if you trust it.",
  );
}

function directoryName({ publisher, name, version }: AppConfig, hash: string): string {
  for (const part of [publisher, name, version]) {
    // Flower's directory is made of these, so they must not be more than a part of a name.
    if (/^[\p{L}\p{N}][\p{L}\p{N} ._+!-]*$/u.test(part)) continue;
    throw new FabError(`"${part}" in the app's pyproject.toml cannot be part of a file name.`);
  }
  return `${publisher}.${name}.${version}.${hash.slice(0, 8)}`;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
