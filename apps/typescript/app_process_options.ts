import type { AppApi } from "./app_channel.ts";
import type { AppPermissions } from "./app_permissions.ts";
import type { Show } from "./run_log.ts";

/** What the process of a TypeScript app works with. */
export interface AppProcessOptions {
  readonly api: AppApi;
  /** FABs are unpacked below its `apps` folder. */
  readonly flwrDirectory: string;
  /** What the app's code may do besides reading its own folder. */
  readonly permissions: AppPermissions;
  /** Takes all output. */
  readonly show: Show;
  /** Aborts when the process is to end; its reason says why, as a text. */
  readonly signal: AbortSignal;
}
