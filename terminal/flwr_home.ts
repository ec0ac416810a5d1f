/**
 * The directory that Flower's programs share.
 *
 * @module
 */

import { join } from "node:path";

/**
 * `$FLWR_HOME`, else `$XDG_DATA_HOME/.flwr`, else `.flwr` in the home directory (Flower 1.25.0).
 * A variable that is empty counts as unset. Nothing is created.
 */
export function flwrHome(env: { get(name: string): string | undefined } = Deno.env): string {
  const own = env.get("FLWR_HOME");
  if (own) return own;
  const base = env.get("XDG_DATA_HOME") || env.get("HOME") || env.get("USERPROFILE") || ".";
  return join(base, ".flwr");
}
