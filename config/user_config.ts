/**
 * The small configs of Flower apps and nodes (`--run-config`, `--node-config`,
 * `[tool.flwr.app.config]`): names with dots and scalar values. The grammar is that of Flower
 * 1.25.0's `parse_config_args`, pinned by the `node_config` vectors.
 *
 * @module
 */

import { isTable, parseToml, TomlSyntaxError, type TomlTable } from "./toml.ts";

/** A value of a config. A `bigint` is Python's `int`, a `number` its `float`. */
export type UserConfigValue = bigint | number | boolean | string;

/** A config: nested tables are flattened, their names joined with dots. The order is kept. */
export type UserConfig = Map<string, UserConfigValue>;

/** A config that cannot be read. The message is for a person and names the remedy. */
export class UserConfigError extends Error {
  override readonly name = "UserConfigError";
}

/** A name without blanks, `=`, and a value in single quotes, in double quotes or without blanks. */
const PAIR = /(\S+?)=('[^']*'|"[^"]*"|\S+)/g;

/**
 * Reads `key=value` pairs such as `lr=0.1 name="x" on=true`, each a line of TOML. Text that is not
 * part of a pair is passed over, as Flower does; see {@linkcode unpairedText}.
 * Throws {@linkcode UserConfigError}.
 */
export function parseUserConfig(text: string): UserConfig {
  return flattenUserConfig(parsePairs(text));
}

/** What {@linkcode parseUserConfig} passes over in `text`, blanks aside: usually a mistake. */
export function unpairedText(text: string): string {
  return text.replace(PAIR, " ").trim();
}

/**
 * Reads the values of a flag that may be repeated: one path that ends in `.toml`, or texts of pairs
 * of which a later one overrides an earlier one. Throws {@linkcode UserConfigError}.
 */
export async function readUserConfig(values: readonly string[]): Promise<UserConfig> {
  return flattenUserConfig(await readUserConfigTable(values));
}

/** As {@linkcode readUserConfig}, with names that have dots as tables in tables. */
export async function readUserConfigTable(values: readonly string[]): Promise<TomlTable> {
  const [first, ...more] = values.filter((value) => value !== "");
  if (first?.endsWith(".toml") && more.length === 0) return await readTomlFile(first);
  let merged: TomlTable = {};
  for (const text of first === undefined ? [] : [first, ...more]) {
    if (text.endsWith(".toml")) {
      throw new UserConfigError(
        `The TOML file "${text}" cannot be combined with key=value pairs. Give one or the other.`,
      );
    }
    merged = Object.fromEntries([...Object.entries(merged), ...Object.entries(parsePairs(text))]);
  }
  return merged;
}

/**
 * Flattens a table, joining names with dots. Throws {@linkcode UserConfigError} for an array, a
 * date or a time, which configs do not hold.
 */
export function flattenUserConfig(table: TomlTable, prefix = ""): UserConfig {
  const config: UserConfig = new Map();
  for (const [key, value] of Object.entries(table)) {
    const name = prefix + key;
    if (isTable(value)) {
      for (const [inner, scalar] of flattenUserConfig(value, `${name}.`)) config.set(inner, scalar);
    } else if (typeof value === "object") {
      throw new UserConfigError(
        `The value of "${name}" must be a whole number, a number, true or false, a string, ` +
          "or a table of those.",
      );
    } else config.set(name, value);
  }
  return config;
}

function parsePairs(text: string): TomlTable {
  const lines = Array.from(text.matchAll(PAIR), ([, key, value]) => `${key} = ${value}`);
  try {
    return parseToml(lines.join("\n"));
  } catch (error) {
    if (!(error instanceof TomlSyntaxError)) throw error;
    const line = lines[error.line - 1] ?? text;
    throw new UserConfigError(
      `Cannot read the configuration at "${line}". Write pairs such as ` +
        `key1=123 key2=false key3="string", separated by spaces, and strings in quotes.`,
      { cause: error },
    );
  }
}

async function readTomlFile(path: string): Promise<TomlTable> {
  try {
    return parseToml(await Deno.readTextFile(path));
  } catch (cause) {
    if (cause instanceof TomlSyntaxError) {
      throw new UserConfigError(`The file "${path}" is not valid TOML. ${cause.message}`, {
        cause,
      });
    }
    throw new UserConfigError(
      `The configuration file "${path}" cannot be read. Check that it exists and is a file.`,
      { cause },
    );
  }
}
