/**
 * Real Flower, in one Python environment a version: where each is, whether it is there, and how it
 * is made.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The releases that the tests drive; the first is the one that Trellis follows. */
export const FLOWER_VERSIONS = ["1.25.0", "1.23.0", "1.33.0", "1.39.0", "1.41.0"] as const;

/** A release that the tests drive. */
export type FlowerVersion = typeof FLOWER_VERSIONS[number];

/** The project's root folder. */
export const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

/** The folder of a release's environment, below `$TRELLIS_TEST_FLOWER` where that is set. */
export function flowerFolder(version: string): string {
  const parent = Deno.env.get("TRELLIS_TEST_FLOWER") ?? join(REPOSITORY, ".trellis-test");
  return join(parent, `flwr-${version}`);
}

/** The folder of a release's programs. */
export function flowerBin(version: string): string {
  return join(flowerFolder(version), "bin");
}

/** Which of the releases are not there. */
export function missingFlower(versions: readonly string[] = FLOWER_VERSIONS): string[] {
  return versions.filter((version) => !existsSync(join(flowerBin(version), "flower-supernode")));
}

/** How a person gets the releases that are not there. */
export function installHint(versions: readonly string[]): string {
  return `deno run -A tests/install_flower.ts ${versions.join(" ")}`;
}

/** On CI nothing may be skipped. */
export function isCi(): boolean {
  return Deno.env.get("CI") === "true";
}
