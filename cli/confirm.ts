import { ExitError } from "../terminal/errors.ts";
import { type RawFlags, switchFlag } from "../terminal/flags.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** Of every command that asks before it does what cannot be undone. */
export const YES_FLAG = switchFlag("yes", "Do it without asking, on a terminal too.", {
  alias: "y",
});

/**
 * Asks whether it is meant, where a person is there to answer and did not say `--yes` before. Throws
 * an {@linkcode ExitError} for a no.
 */
export function requireYes(flags: RawFlags, terminal: Terminal, question: string): void {
  if (YES_FLAG.of(flags) || (terminal.confirm?.(question) ?? true)) return;
  throw new ExitError("Nothing was changed.");
}
