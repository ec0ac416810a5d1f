/**
 * Errors that end a program with a sentence instead of a stack trace.
 *
 * @module
 */

/** Ends the program: `message` says what went wrong, `remedy` what to do, both without secrets. */
export class ExitError extends Error {
  override readonly name: string = "ExitError";
  readonly exitCode: number;
  readonly remedy: string | undefined;
  /** Flower's number for this ending (its "Exit Code: N"), where Flower has one. */
  readonly flowerCode: number | undefined;

  constructor(
    message: string,
    options: ErrorOptions & { exitCode?: number; remedy?: string; flowerCode?: number } = {},
  ) {
    super(message, options);
    this.exitCode = options.exitCode ?? 1;
    this.remedy = options.remedy;
    this.flowerCode = options.flowerCode;
  }
}

/** A command line that cannot be understood: exit code 2, as for every Flower program. */
export class UsageError extends ExitError {
  override readonly name = "UsageError";

  constructor(message: string, remedy?: string) {
    super(message, remedy === undefined ? { exitCode: 2 } : { exitCode: 2, remedy });
  }
}
