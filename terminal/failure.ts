/**
 * The one place where an error becomes what a person reads and the exit code of the process.
 *
 * @module
 */

import { ExitError } from "./errors.ts";
import { EXIT_CODES, type ExitCode } from "./exit_codes.ts";
import type { Log } from "./log.ts";
import type { Terminal } from "./terminal.ts";

/** What a failure says, what to do about it, and how the process ends. */
export interface Failure {
  readonly message: string;
  readonly remedy: string | undefined;
  readonly exitCode: ExitCode;
}

/** What to do about an error of the operating system, by its code. */
const SYSTEM_REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: "The disk is full: make room on it, or choose another place.",
  EDQUOT: "This user's share of the disk is used up: make room, or choose another place.",
  EROFS: "The disk cannot be written to: choose another place.",
  EACCES: "Check that this user may read and write there, or choose another place.",
  EPERM: "Check that this user may read and write there, or choose another place.",
};

function systemRemedy(error: unknown): string | undefined {
  if (!(error instanceof Error && "code" in error && typeof error.code === "string")) {
    return undefined;
  }
  return Object.hasOwn(SYSTEM_REMEDIES, error.code) ? SYSTEM_REMEDIES[error.code] : undefined;
}

/** Describes any error. Those with a `remedy` of their own, such as key errors, keep it. */
export function describeFailure(error: unknown): Failure {
  const text = error instanceof Error && error.message !== ""
    ? error.message
    : `Something went wrong: ${String(error)}`;
  const flowerCode = error instanceof ExitError ? error.flowerCode : undefined;
  const message = flowerCode === undefined ? text : `${text} (Exit Code: ${flowerCode})`;
  const remedy = error instanceof Error && "remedy" in error && typeof error.remedy === "string"
    ? error.remedy
    : systemRemedy(error);
  return {
    message,
    remedy,
    exitCode: error instanceof ExitError ? error.exitCode : EXIT_CODES.failed,
  };
}

/**
 * Says in the log of a program why it ends, with Flower's number where it has one, and gives the exit
 * code. `program` begins the names of its events.
 */
export function logFailure(error: unknown, program: string, log: Log): number {
  const { message, remedy, exitCode } = describeFailure(error);
  const flowerExitCode = error instanceof ExitError ? error.flowerCode : undefined;
  log.error(`${program}.failed`, message, { exitCode, flowerExitCode });
  if (remedy !== undefined) log.error(`${program}.remedy`, remedy);
  return exitCode;
}

/**
 * Tells a person on stderr what went wrong, with the stack only where `TRELLIS_DEBUG=1` asks for
 * it, and gives the exit code.
 */
export function reportFailure(error: unknown, terminal: Terminal): number {
  const { message, remedy, exitCode } = describeFailure(error);
  terminal.say(terminal.paintTalk(message, "bold", "red"));
  if (remedy !== undefined) terminal.say(remedy);
  if (Deno.env.get("TRELLIS_DEBUG") === "1" && error instanceof Error) {
    terminal.say(Deno.inspect(error));
  }
  return exitCode;
}
