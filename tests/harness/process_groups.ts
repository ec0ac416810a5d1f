/**
 * The process groups that tests have started. `tests/run.ts` names a folder in the environment, each
 * group that runs has a file there, and what a test run that was broken off left behind is ended.
 *
 * @module
 */

import { join } from "node:path";
import { assert } from "@std/assert";
import { delay } from "@std/async";

/** Names the folder with a file for each process group that runs. */
export const PROCESS_FOLDER_VARIABLE = "TRELLIS_TEST_PROCESSES";

/** Notes that the group runs. */
export function remember(groupId: number): void {
  const path = notePath(groupId);
  if (path !== undefined) Deno.writeTextFileSync(path, "");
}

/** Notes that the group is gone. */
export function forget(groupId: number): void {
  const path = notePath(groupId);
  if (path !== undefined) Deno.removeSync(path);
}

/** Ends every process of the group at once; does nothing when there is none. */
export function killGroup(groupId: number): void {
  try {
    Deno.kill(-groupId, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The names of the group's processes, by process id. Linux only: it reads `/proc`. */
export function groupMembers(groupId: number): Map<number, string> {
  const members = new Map<number, string>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = Deno.readTextFileSync(`/proc/${name}/stat`);
      const [, title = "", state, group] = stat.match(/^\d+ \((.*)\) (\S) \d+ (\d+) /s) ?? [];
      if (Number(group) === groupId && state !== "Z") members.set(Number(name), title);
    } catch (error) {
      // It ended in this moment, which shows in one of two ways.
      const isGone = error instanceof Deno.errors.NotFound || String(error).includes("os error 3");
      if (!isGone) throw error;
    }
  }
  return members;
}

/** Waits until the group has no processes; gives the names of those left after `timeoutMs`. */
export async function untilGroupGone(groupId: number, timeoutMs: number): Promise<string[]> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const members = [...groupMembers(groupId).values()];
    if (members.length === 0 || Date.now() > deadline) return members;
    await delay(50);
  }
}

/** Waits until no app process runs in the group. */
export async function waitForNoApp(
  { pid }: { readonly pid: number },
  timeoutMs: number,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const apps = [...groupMembers(pid).values()].filter((name) => isApp(name));
    if (apps.length === 0) return;
    assert(Date.now() < deadline, `waited ${timeoutMs} ms in vain for the end of ${apps}`);
    await delay(50);
  }
}

/** Whether a process of this name runs an app: the system cuts names after 15 letters. */
export function isApp(name: string): boolean {
  return name === "flwr-serverapp" || name === "flwr-clientapp";
}

/** Ends the groups that are noted in `folder` and gives their number. */
export function killLeftovers(folder: string): number {
  const groupIds = [...Deno.readDirSync(folder)].map(({ name }) => Number(name));
  for (const groupId of groupIds) killGroup(groupId);
  return groupIds.length;
}

function notePath(groupId: number): string | undefined {
  const folder = Deno.env.get(PROCESS_FOLDER_VARIABLE);
  return folder === undefined ? undefined : join(folder, String(groupId));
}
