/**
 * What an app says of itself in its `pyproject.toml`.
 *
 * @module
 */

import {
  isTable,
  parseToml,
  tableAt,
  textAt,
  TomlSyntaxError,
  type TomlTable,
} from "../config/toml.ts";
import { flattenUserConfig, type UserConfig, UserConfigError } from "../config/user_config.ts";
import { FabError } from "./fab_error.ts";

/** An app's name, version, parts and default config. */
export interface AppConfig {
  readonly publisher: string;
  readonly name: string;
  readonly version: string;
  /** `publisher/name`. */
  readonly fabId: string;
  /** Component references, `module:attribute`. */
  readonly serverApp: string;
  readonly clientApp: string;
  /** Which programs run the app: Trellis's own `[tool.trellis] runtime`, Python without one. */
  readonly runtime: "python" | "typescript";
  /** `[tool.flwr.app.config]`, flattened with dots. */
  readonly config: UserConfig;
}

const REQUIRED: readonly (readonly [section: string, key: string])[] = [
  ["project", "name"],
  ["project", "version"],
  ["tool.flwr.app", "publisher"],
  ["tool.flwr.app.components", "serverapp"],
  ["tool.flwr.app.components", "clientapp"],
];

/**
 * Reads the text of a `pyproject.toml`.
 *
 * @throws FabError with every fault, in Flower's words.
 */
export function readAppConfig(toml: string): AppConfig {
  let table: TomlTable;
  try {
    table = parseToml(toml);
  } catch (error) {
    if (!(error instanceof TomlSyntaxError)) throw error;
    throw new FabError(`pyproject.toml is not valid TOML: ${error.message}`, { cause: error });
  }
  const faults = [...missing(table), ...malformed(table)];
  if (faults.length > 0) throw new FabError(faults.join("\n"));
  const read = (section: string, key: string) => textAt(table, [...section.split("."), key]) ?? "";
  const publisher = read("tool.flwr.app", "publisher");
  const name = read("project", "name");
  return {
    publisher,
    name,
    version: read("project", "version"),
    fabId: `${publisher}/${name}`,
    serverApp: read("tool.flwr.app.components", "serverapp"),
    clientApp: read("tool.flwr.app.components", "clientapp"),
    runtime: read("tool.trellis", "runtime") === "typescript" ? "typescript" : "python",
    config: readDefaults(table),
  };
}

function missing(table: TomlTable): string[] {
  const faults = new Set<string>();
  for (const [section, key] of REQUIRED) {
    if (!tableAt(table, section.split("."))) faults.add(`Missing [${section}] section`);
    else if (!textAt(table, [...section.split("."), key])) {
      faults.add(`Property "${key}" missing in [${section}]`);
    }
  }
  return [...faults];
}

function malformed(table: TomlTable): string[] {
  const faults: string[] = [];
  for (const key of ["serverapp", "clientapp"]) {
    const reference = textAt(table, ["tool", "flwr", "app", "components", key]);
    if (reference !== undefined && !/^[\w.]+:[\w.]+$/.test(reference)) {
      faults.push(`Component "${key}" must look like module:attribute, not "${reference}"`);
    }
  }
  const runtime = tableAt(table, ["tool", "trellis"])?.["runtime"];
  if (runtime !== undefined && runtime !== "python" && runtime !== "typescript") {
    faults.push('[tool.trellis] runtime must be "python" or "typescript"');
  }
  return faults;
}

function readDefaults(table: TomlTable): UserConfig {
  const defaults = tableAt(table, ["tool", "flwr", "app"])?.["config"];
  if (defaults === undefined) return new Map();
  if (!isTable(defaults)) throw new FabError("[tool.flwr.app] config must be a table");
  try {
    return flattenUserConfig(defaults);
  } catch (error) {
    if (!(error instanceof UserConfigError)) throw error;
    throw new FabError(error.message, { cause: error });
  }
}
