/**
 * What the code of a TypeScript app may do besides reading its own folder: nothing, unless whoever
 * runs the SuperLink or SuperNode allows it. It can never write, start programs or load native code.
 *
 * @module
 */

import { resolve } from "node:path";
import { UsageError } from "../../terminal/errors.ts";
import { type Flag, listFlag } from "../../terminal/flags.ts";

/** What is allowed in addition. */
export interface AppPermissions {
  /** Absolute paths of files and folders, for example a node's data. */
  readonly read: readonly string[];
  /** `HOST` or `HOST:PORT`. */
  readonly net: readonly string[];
  /** Names of environment variables. */
  readonly env: readonly string[];
}

/** Nothing besides reading the app's own folder. */
export const NO_PERMISSIONS: AppPermissions = { read: [], net: [], env: [] };

/** The flags with which a SuperLink, a SuperNode and an app process are told. */
export const appPermissionFlags = {
  allowAppRead: listFlag(
    "allow-app-read",
    "PATH",
    "Let TypeScript apps read this file or folder; they read only their own folder otherwise.",
  ),
  allowAppNet: listFlag(
    "allow-app-net",
    "HOST[:PORT]",
    "Let TypeScript apps connect to this host; they cannot use the network otherwise.",
  ),
  allowAppEnv: listFlag(
    "allow-app-env",
    "NAME",
    "Let TypeScript apps read this environment variable; they see none otherwise.",
  ),
} as const satisfies Record<string, Flag<readonly string[]>>;

/**
 * Checks what the flags say and makes paths absolute. Throws a {@linkcode UsageError} for a value
 * that would mean something else to Deno, such as a list with commas.
 */
export function appPermissions(
  read: readonly string[],
  net: readonly string[],
  env: readonly string[],
): AppPermissions {
  return {
    read: read.map((path) => resolve(path)),
    net: net.map((host) => {
      if (/^(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:\d{1,5})?$/.test(host)) return host;
      throw new UsageError(
        `--allow-app-net does not take "${host}".`,
        "Give it once for each host, as HOST or HOST:PORT.",
      );
    }),
    env: env.map((name) => {
      if (/^\w+$/.test(name)) return name;
      throw new UsageError(
        `--allow-app-env does not take "${name}".`,
        "Give it once for each variable, by its name.",
      );
    }),
  };
}

/** The flags that tell an app process what {@linkcode AppPermissions} says. */
export function appPermissionArgs({ read, net, env }: AppPermissions): string[] {
  return [
    ...read.map((path) => `--allow-app-read=${path}`),
    ...net.map((host) => `--allow-app-net=${host}`),
    ...env.map((name) => `--allow-app-env=${name}`),
  ];
}
