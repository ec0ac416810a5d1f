/**
 * The process groups that tests have started. `tests/run.ts` names a folder in the environment, each
 * group that runs has a file there, and what a test run that was broken off left behind is ended.
 *
 * @module
 */

import { join } from "node:path";

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
