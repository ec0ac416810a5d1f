/**
 * The flags that say whether apps find a process that is ready for them: Python apps are forked from
 * one that has Flower loaded, and those of TypeScript apps are kept.
 *
 * @module
 */

import { UsageError } from "../terminal/errors.ts";
import { type RawFlags, switchFlag } from "../terminal/flags.ts";

/** Taken by whatever starts app processes. */
export const preloadFlags = {
  preload: switchFlag(
    "preload",
    "Fork Python apps from one process that has Flower loaded, so that none waits for imports. " +
      "Done by default on Linux.",
  ),
  noPreload: switchFlag(
    "no-preload",
    "Start each app as a program of its own, also for each message of a run; saves the memory of " +
      "the processes that wait for them.",
  ),
} as const;

/**
 * What the flags ask for. By default only on Linux: libraries of macOS may start threads that do not
 * survive a fork, and Windows has no fork. Throws a {@linkcode UsageError} for both flags at once,
 * and for a preload where there is no fork.
 */
export function preloadOf(raw: RawFlags, system: typeof Deno.build.os = Deno.build.os): boolean {
  const on = preloadFlags.preload.of(raw);
  const off = preloadFlags.noPreload.of(raw);
  if (on && off) {
    throw new UsageError("--preload does not go with --no-preload.", "Leave out one of the two.");
  }
  if (on && system === "windows") {
    throw new UsageError("--preload needs fork(), which Windows does not have.", "Leave it out.");
  }
  return on || !off && system === "linux";
}

/** Whether processes of TypeScript apps are kept, which needs nothing that a system may lack. */
export function keepsTypeScript(raw: RawFlags): boolean {
  return !preloadFlags.noPreload.of(raw);
}
