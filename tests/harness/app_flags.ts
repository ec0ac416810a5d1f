/**
 * The flags that say who starts app processes.
 *
 * @module
 */

import { flowerFolder, type FlowerVersion } from "./flower_env.ts";
import type { Program } from "./programs.ts";

/** Who starts the app processes of a SuperLink or a SuperNode. */
export interface AppOptions {
  /** Others do so by default (`process`). */
  readonly isolation?: "subprocess" | "process";
  /** What only SuperExecs know, for a SuperLink of isolation `process`. */
  readonly superExecSecretFile?: string;
  /** The release that runs Python apps of ours; Flower's own programs take their own. */
  readonly python?: FlowerVersion;
}

/** The flags for a program, ours or Flower's. */
export function appFlags(
  { flower }: Program,
  { isolation = "process", python, superExecSecretFile }: AppOptions,
): string[] {
  const isOurs = flower === undefined;
  return [
    ...["--isolation", isolation],
    ...(superExecSecretFile === undefined
      ? []
      : ["--superexec-auth-secret-file", superExecSecretFile]),
    ...(isOurs && python !== undefined ? ["--python", flowerFolder(python)] : []),
  ];
}
