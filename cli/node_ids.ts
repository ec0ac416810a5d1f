import type { Positional } from "../terminal/command.ts";
import { UsageError } from "../terminal/errors.ts";
import { parseId, requireUint64 } from "./id.ts";
import { TARGET_POSITIONALS } from "./target.ts";

/** The arguments of commands for several SuperNodes. */
export const NODE_IDS_POSITIONALS: readonly Positional[] = [
  { name: "NODE_ID", help: "As `supernode list` shows them", required: true, repeats: true },
  ...TARGET_POSITIONALS,
];

/** The ids that a command line begins with, and what it says of the SuperLink after them. */
export function splitNodeIds(
  positionals: readonly string[],
): { readonly nodeIds: readonly bigint[]; readonly target: readonly string[] } {
  const first = positionals.findIndex((text) => !/^\d+$/.test(text));
  const count = first === -1 ? positionals.length : first;
  // Says what is wrong with the first one, if it is no id.
  if (count === 0) parseId(positionals[0] ?? "", "NODE_ID");
  const nodeIds = positionals.slice(0, count).map((text) => parseId(text, "NODE_ID"));
  nodeIds.forEach(requireUint64);
  const target = positionals.slice(count);
  const extra = target[TARGET_POSITIONALS.length];
  if (extra !== undefined) throw new UsageError(`Unexpected argument "${extra}".`);
  return { nodeIds, target };
}
