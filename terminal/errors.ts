/**
 * Errors that end a program with a sentence instead of a stack trace.
 *
 * @module
 */

import { EXIT_CODES, type ExitCode, type FlowerExitCode } from "./exit_codes.ts";

/** Ends the program: `message` says what went wrong, `remedy` what to do, both without secrets. */
export class ExitError extends Error {
  override readonly name: string = "ExitError";
  readonly exitCode: ExitCode;
  readonly remedy: string | undefined;
  /** Flower's number for this ending (its "Exit Code: N"), where Flower has one. */
  readonly flowerCode: FlowerExitCode | undefined;

  constructor(
    message: string,
    options: ErrorOptions & {
      exitCode?: ExitCode;
      remedy?: string;
      flowerCode?: FlowerExitCode;
    } = {},
  ) {
    super(message, options);
    this.exitCode = options.exitCode ?? EXIT_CODES.failed;
    this.remedy = options.remedy;
    this.flowerCode = options.flowerCode;
  }
}

/** A command line that cannot be understood: exit code 2, as for every Flower program. */
export class UsageError extends ExitError {
  override readonly name = "UsageError";

  constructor(message: string, remedy?: string) {
    const exitCode = EXIT_CODES.notUnderstood;
    super(message, remedy === undefined ? { exitCode } : { exitCode, remedy });
  }
}
