import type { UserConfig, UserConfigValue } from "../config/user_config.ts";

/** A run overrides a config value that its app does not have. The text is that of Flower 1.25. */
export class UnknownConfigKey extends Error {
  override readonly name = "UnknownConfigKey";

  constructor(key: string) {
    super(`Key '${key}' is not present in the main dictionary`);
  }
}

/**
 * A run's config: the defaults of the app's `pyproject.toml`, with what the run overrides.
 *
 * @throws {UnknownConfigKey} for a key that is not among the defaults, as in Flower 1.25.
 */
export function fuseRunConfig(
  defaults: UserConfig,
  overrides: ReadonlyMap<string, UserConfigValue>,
): UserConfig {
  const fused = new Map(defaults);
  for (const [key, value] of overrides) {
    if (!fused.has(key)) throw new UnknownConfigKey(key);
    fused.set(key, value);
  }
  return fused;
}
