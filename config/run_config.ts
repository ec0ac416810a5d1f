/**
 * A run's config: what the app declares, with what the command line overrides.
 *
 * @module
 */

import { nearest } from "../terminal/nearest.ts";
import { type UserConfig, UserConfigError } from "./user_config.ts";

/**
 * The defaults with the overrides put in. As in Flower 1.25.0, only names that the app declares can
 * be overridden, and the order is that of the defaults.
 * Throws {@linkcode UserConfigError} for another name.
 */
export function fuseRunConfig(defaults: UserConfig, overrides: UserConfig): UserConfig {
  const fused: UserConfig = new Map(defaults);
  for (const [name, value] of overrides) {
    if (!defaults.has(name)) throw unknownName(name, defaults);
    fused.set(name, value);
  }
  return fused;
}

function unknownName(name: string, defaults: UserConfig): UserConfigError {
  const names = [...defaults.keys()];
  const hint = nearest(name, names);
  const known = names.length === 0 ? "It declares none." : `It declares: ${names.join(", ")}.`;
  return new UserConfigError(
    `The app declares no config value "${name}". ${hint ? `Did you mean "${hint}"? ` : ""}${known}`,
  );
}
