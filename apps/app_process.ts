/**
 * The process of a ServerApp or a ClientApp.
 *
 * @module
 */

import type { Address } from "../wire/address.ts";
import type { LocalApi } from "../wire/local/local_api.ts";

/** Which part of an app a process runs. */
export type AppKind = "serverapp" | "clientapp";

/** What a process is started with. */
export interface AppLaunch {
  readonly kind: AppKind;
  /** The API that the process calls: ServerAppIo or ClientAppIo, without TLS. */
  readonly apiAddress: Address;
  /** The Runtime API, which processes of Flower 1.35 and newer call instead, without TLS too. */
  readonly runtimeAddress?: Address | undefined;
  /** The first of these APIs for processes of our own; absent where this is not ours to serve. */
  readonly localApi?: LocalApi | undefined;
  /** Admits the process to its run. Never logged; Flower 1.25 takes it on the command line only. */
  readonly token: string;
  /** Where FABs are installed; `FLWR_HOME` of the process. */
  readonly flwrDirectory: string;
  /** The run of a message: its next message may be handled by the same process. */
  readonly runId?: bigint | undefined;
}

/** A process that was started. */
export interface AppProcess {
  readonly pid: number;
  /** Comes when the process has ended in whatever way. */
  readonly exited: Promise<Deno.CommandStatus>;
  /** Asks it to end, and makes it end when it does not within `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/** What is needed to make an {@linkcode AppProcess}. */
export interface AppProcessParts {
  readonly pid: number;
  readonly exited: Promise<Deno.CommandStatus>;
  /** Sends a signal; called only while the process runs. */
  readonly signal: (name: "SIGTERM" | "SIGKILL") => void;
}

/** Adds the way to end it to a process that was started. */
export function appProcess({ pid, exited, signal }: AppProcessParts): AppProcess {
  let running = true;
  exited.finally(() => running = false);
  return {
    pid,
    exited,
    async stop(graceMs) {
      if (running) signal("SIGTERM");
      const timer = setTimeout(() => running && signal("SIGKILL"), graceMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** A command line. */
export interface AppCommand {
  /** The path of the program. */
  readonly program: string;
  /** May hold the app's token: never logged. */
  readonly args: readonly string[];
  /** Added to the environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Starts a program whose output goes where ours goes. */
export function startProcess({ program, args, env }: AppCommand): AppProcess {
  const child = new Deno.Command(program, {
    args: [...args],
    env: { ...env },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  return appProcess({
    pid: child.pid,
    exited: child.status,
    signal: (name) => sendSignal(child, name),
  });
}

/**
 * Sends a signal to a process. One that has ended is left alone: Deno knows of that a moment before
 * the promise of its status comes, and throws.
 */
export function sendSignal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch (error) {
    const hasEnded = error instanceof TypeError || error instanceof Deno.errors.NotFound;
    if (!hasEnded) throw error;
  }
}
