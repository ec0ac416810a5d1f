/**
 * `trellis supernode`.
 *
 * @module
 */

import { HELP_FLAG, helpText, parseCommand } from "../terminal/command.ts";
import { supernodeSpec } from "./flags.ts";

/** Runs a SuperNode until a signal stops it or the SuperLink refuses it; gives the exit code. */
export async function supernodeCommand(args: readonly string[]): Promise<number> {
  const { flags } = parseCommand(supernodeSpec, args);
  if (HELP_FLAG.of(flags)) {
    console.log(helpText(supernodeSpec));
    return 0;
  }
  // Neither help nor a wrong flag waits until all of it is loaded.
  const { startSuperNode } = await import("./start.ts");
  return await startSuperNode(flags);
}
