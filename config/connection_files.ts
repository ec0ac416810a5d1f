/**
 * The files in which connections to SuperLinks are declared. They are only ever read: Flower 1.26
 * and newer move the user's tables from one to the other, this program does not.
 *
 * @module
 */

import { join } from "node:path";
import { ExitError } from "../terminal/errors.ts";
import { nearest } from "../terminal/nearest.ts";
import { readConnection, type SuperLinkConnection } from "./connection.ts";
import { isTable, parseToml, tableAt, TomlSyntaxError, type TomlTable } from "./toml.ts";

/** The connections that one file declares. */
export interface ConnectionFile {
  readonly file: string;
  /** What the tables are called: `tool.flwr.federations` or `superlink`. */
  readonly prefix: string;
  readonly connections: ReadonlyMap<string, TomlTable>;
  readonly defaultName: string | undefined;
  /** What relative certificate paths start from; `undefined` where they must be absolute. */
  readonly directory: string | undefined;
}

/**
 * The `[tool.flwr.federations]` of the app in `directory`; `undefined` when it declares none.
 * Throws an {@linkcode ExitError} when there is no readable `pyproject.toml`.
 */
export async function readAppConnections(directory: string): Promise<ConnectionFile | undefined> {
  const file = join(directory, "pyproject.toml");
  const document = await readTomlFile(file);
  if (document === undefined) {
    throw new ExitError(`There is no pyproject.toml in "${directory}".`, {
      remedy: "Give the directory of a Flower app, or the name of a connection in config.toml.",
    });
  }
  const table = tableAt(document, ["tool", "flwr", "federations"]);
  return table && connectionFile(table, file, "tool.flwr.federations", directory);
}

/** The `[superlink]` tables of `config.toml` in Flower's home; none when there is no such file. */
export async function readHomeConnections(home: string): Promise<ConnectionFile> {
  const file = join(home, "config.toml");
  const document = await readTomlFile(file) ?? {};
  return connectionFile(tableAt(document, ["superlink"]) ?? {}, file, "superlink", undefined);
}

/**
 * Reads the connection called `name`; `undefined` when the file does not declare it. `overrides`
 * (`--federation-config`) replace what its table says, and cannot add to it.
 */
export async function connectionIn(
  { connections, directory, file, prefix }: ConnectionFile,
  name: string,
  overrides: TomlTable = {},
): Promise<SuperLinkConnection | undefined> {
  const table = connections.get(name);
  if (table === undefined) return undefined;
  const header = `[${prefix}.${name}]`;
  const source = { name, header, file, directory };
  return await readConnection(overridden(table, overrides, `${header} in "${file}"`), source);
}

function overridden(table: TomlTable, overrides: TomlTable, where: string): TomlTable {
  const result = { ...table };
  for (const [key, value] of Object.entries(overrides)) {
    const own = table[key];
    if (own === undefined) {
      throw new ExitError(`There is no "${key}" to override in ${where}.`, {
        remedy: `It has: ${Object.keys(table).join(", ")}.`,
      });
    }
    result[key] = isTable(own) && isTable(value) ? overridden(own, value, where) : value;
  }
  return result;
}

/** Says that no file declares the connection, and what the files do declare. */
export function noSuchConnection(name: string, files: readonly ConnectionFile[]): ExitError {
  const declared = files.flatMap(({ connections }) => [...connections.keys()]);
  const where = files.map(({ file }) => `"${file}"`).join(" or ");
  const hint = nearest(name, declared);
  return new ExitError(`There is no federation or connection "${name}" in ${where}.`, {
    remedy: declared.length === 0
      ? "Declare one, or give the address of a SuperLink's Control API: --superlink HOST:PORT."
      : `${hint ? `Did you mean "${hint}"? ` : ""}Declared are: ${declared.join(", ")}.`,
  });
}

async function readTomlFile(file: string): Promise<TomlTable | undefined> {
  try {
    return parseToml(await Deno.readTextFile(file));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    if (cause instanceof TomlSyntaxError) {
      throw new ExitError(`The file "${file}" is not valid TOML. ${cause.message}`, { cause });
    }
    throw new ExitError(`The file "${file}" cannot be read.`, {
      cause,
      remedy: "Check that it is a file and that its permissions allow this user to read it.",
    });
  }
}

function connectionFile(
  table: TomlTable,
  file: string,
  prefix: string,
  directory: string | undefined,
): ConnectionFile {
  const connections = new Map<string, TomlTable>();
  for (const [name, value] of Object.entries(table)) {
    if (isTable(value)) connections.set(name, value);
  }
  const defaultName = typeof table.default === "string" ? table.default : undefined;
  return { file, prefix, connections, defaultName, directory };
}
