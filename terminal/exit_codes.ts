/**
 * The numbers with which programs end. Each has its page in `docs/errors/`.
 *
 * @module
 */

/** The exit codes of the process. */
export const EXIT_CODES = {
  done: 0,
  failed: 1,
  /** The command line cannot be understood, as with every Flower program. */
  notUnderstood: 2,
  /** Ctrl-C, as a shell counts it: 128 and the number of SIGINT. */
  interrupted: 130,
} as const;

/** An exit code of the process. */
export type ExitCode = typeof EXIT_CODES[keyof typeof EXIT_CODES];

/** Flower's own numbers for some endings, which it shows as "Exit Code: N" (Flower 1.25 to 1.41). */
export const FLOWER_EXIT_CODES = {
  /** Arguments of a SuperLink that do not go together. */
  invalidArguments: 104,
  /** A run that must not start (any more). */
  startRejected: 203,
  unusableKey: 302,
  keyWithoutTls: 303,
  /** A connection that could not be initialised (1.38 and later). */
  connectionNotInitialised: 305,
  /** An address that cannot be read. */
  invalidAddress: 600,
  /** Certificates of which some are missing. */
  incompleteTls: 605,
} as const;

/** A number of Flower's. */
export type FlowerExitCode = typeof FLOWER_EXIT_CODES[keyof typeof FLOWER_EXIT_CODES];
