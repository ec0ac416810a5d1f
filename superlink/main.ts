/**
 * `trellis superlink`.
 *
 * @module
 */

import { HELP_FLAG, helpText, parseCommand } from "../terminal/command.ts";
import { UsageError } from "../terminal/errors.ts";
import { logFailure } from "../terminal/failure.ts";
import type { RawFlags } from "../terminal/flags.ts";
import { createLog } from "../terminal/log.ts";
import { forgetTokens } from "../terminal/token_variables.ts";
import { flags, superlinkSpec } from "./flags.ts";
import { superlinkOptions } from "./options.ts";

/** Runs a SuperLink until a signal stops it; gives the exit code. */
export async function superlinkCommand(args: readonly string[]): Promise<number> {
  const { flags: raw } = parseCommand(superlinkSpec, args);
  if (HELP_FLAG.of(raw)) {
    console.log(helpText(superlinkSpec));
    return 0;
  }
  const format = flags.logFormat.of(raw);
  if (format === "text") return await start(raw);
  try {
    return await start(raw);
  } catch (error) {
    // What reads the log takes no other lines.
    if (error instanceof UsageError) throw error;
    return logFailure(error, "superlink", createLog({ format }));
  }
}

async function start(raw: RawFlags): Promise<number> {
  const options = superlinkOptions(raw);
  forgetTokens();
  // Neither help nor a wrong flag waits until all of it is loaded.
  const { serve } = await import("./serve.ts");
  return await serve(options);
}
