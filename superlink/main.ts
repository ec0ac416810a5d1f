/**
 * `trellis superlink`.
 *
 * @module
 */

import { HELP_FLAG, helpText, parseCommand } from "../terminal/command.ts";
import { forgetTokens } from "../terminal/token_variables.ts";
import { superlinkSpec } from "./flags.ts";
import { superlinkOptions } from "./options.ts";

/** Runs a SuperLink until a signal stops it; gives the exit code. */
export async function superlinkCommand(args: readonly string[]): Promise<number> {
  const { flags } = parseCommand(superlinkSpec, args);
  if (HELP_FLAG.of(flags)) {
    console.log(helpText(superlinkSpec));
    return 0;
  }
  const options = superlinkOptions(flags);
  forgetTokens();
  // Neither help nor a wrong flag waits until all of it is loaded.
  const { serve } = await import("./serve.ts");
  return await serve(options);
}
