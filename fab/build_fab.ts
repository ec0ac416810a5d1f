/**
 * Builds Flower App Bundles with the bytes that Flower 1.25.0 gives them, and so with its hash.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Zippable, zipSync } from "fflate";
import { parseToml, tableAt, type TomlTable } from "../config/toml.ts";
import { type AppConfig, readAppConfig } from "./app_config.ts";
import { FabError } from "./fab_error.ts";
import { matchPatterns, readPatterns } from "./ignore_patterns.ts";
import { MAX_FAB_BYTES } from "./read_fab.ts";
import { writeToml } from "./toml_writer.ts";

/** A FAB that was built. */
export interface BuiltFab {
  readonly content: Uint8Array;
  /** Hex SHA-256 of {@linkcode content}. */
  readonly hash: string;
  /** `publisher.name.1-0-0.0123abcd.fab`. */
  readonly fileName: string;
  readonly app: AppConfig;
  /** The paths that were packed, besides `pyproject.toml`. */
  readonly paths: readonly string[];
}

const INCLUDED = ["**/*.py", "**/*.toml", "**/*.md"];
const EXCLUDED = [".flwr/**", "**/__pycache__/**", "pyproject.toml"];

/** No directory entries, nothing compressed, one date: the same files give the same bytes. */
const ENTRY = { level: 0, os: 3, attrs: 0o600 << 16, mtime: new Date(2024, 9, 1) } as const;

/** Gives the files, by path, that a FAB has besides those of the app's directory. */
export type Bundle = (
  directory: string,
  app: AppConfig,
) => Promise<ReadonlyMap<string, Uint8Array>>;

/** For apps in Python, which need nothing else. */
const noBundle: Bundle = () => Promise.resolve(new Map());

/**
 * Builds the FAB of the app in a directory: its `.py`, `.toml` and `.md` files without what its own
 * `.gitignore` names, a copy of `pyproject.toml` without the federations, and what `bundle` makes.
 *
 * @throws FabError when there is no usable `pyproject.toml`, or the FAB would be larger than
 * Flower accepts.
 */
export async function buildFab(directory: string, bundle = noBundle): Promise<BuiltFab> {
  const configText = await readText(directory, "pyproject.toml");
  if (configText === undefined) {
    throw new FabError(`There is no pyproject.toml in "${directory}", so it is no Flower app.`);
  }
  const app = readAppConfig(configText);
  const ignored = await readFile(directory, ".gitignore");
  const isIncluded = matchPatterns(INCLUDED);
  const isExcluded = matchPatterns([...EXCLUDED, ...(ignored ? readPatterns(ignored) : [])]);

  const files = new Map(await bundle(directory, app));
  let sizeBytes = 0;
  for await (const path of filesBelow(directory)) {
    // Whatever `.gitignore` says, the file itself with its federations stays here.
    if (path === "pyproject.toml" || !isIncluded(path) || isExcluded(path)) continue;
    const content = await Deno.readFile(join(directory, path));
    sizeBytes += content.length;
    if (sizeBytes > MAX_FAB_BYTES) throw tooLarge();
    files.set(path, content);
  }

  const entries: Zippable = {
    "pyproject.toml": [encoder.encode(writeToml(withoutFederations(parseToml(configText)))), ENTRY],
  };
  const paths = [...files.keys()].sort(byCodePoint);
  let manifest = "";
  for (const path of paths) {
    const content = files.get(path) ?? new Uint8Array();
    entries[path] = [content, ENTRY];
    manifest += `${path},${sha256(content)},${content.length * 8}\n`;
  }
  entries[".info/CONTENT"] = [encoder.encode(manifest), ENTRY];
  const content = zipSync(entries);
  if (content.length > MAX_FAB_BYTES) throw tooLarge();
  const hash = sha256(content);
  return { content, hash, fileName: fabFileName(app, hash), app, paths };
}

/** `publisher.name.1-0-0.0123abcd.fab`: the name that Flower expects of an installed file. */
export function fabFileName({ publisher, name, version }: AppConfig, hash: string): string {
  return `${publisher}.${name}.${version.replaceAll(".", "-")}.${hash.slice(0, 8)}.fab`;
}

const encoder = new TextEncoder();

/** Files below a folder, in no order. Links to folders are not followed, those to files are. */
async function* filesBelow(directory: string, prefix = ""): AsyncGenerator<string> {
  for await (const { name, isDirectory, isFile, isSymlink } of Deno.readDir(directory)) {
    const path = join(directory, name);
    if (isDirectory) yield* filesBelow(path, `${prefix}${name}/`);
    else if (isFile || isSymlink && await isFileBehind(path)) yield prefix + name;
  }
}

async function isFileBehind(link: string): Promise<boolean> {
  try {
    return (await Deno.stat(link)).isFile;
  } catch {
    return false;
  }
}

async function readFile(directory: string, name: string): Promise<Uint8Array | undefined> {
  try {
    return await Deno.readFile(join(directory, name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new FabError(`The file "${join(directory, name)}" cannot be read.`, { cause: error });
  }
}

async function readText(directory: string, name: string): Promise<string | undefined> {
  const content = await readFile(directory, name);
  try {
    return content && new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch (cause) {
    throw new FabError(`The file "${join(directory, name)}" is not UTF-8 text.`, { cause });
  }
}

function withoutFederations(document: TomlTable): TomlTable {
  const flwr = tableAt(document, ["tool", "flwr"]);
  if (flwr) delete flwr.federations;
  return document;
}

function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Python's order of strings; JavaScript's own differs above U+FFFF. */
function byCodePoint(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  for (const [index, sign] of left.entries()) {
    const difference = (sign.codePointAt(0) ?? 0) - (right[index]?.codePointAt(0) ?? -1);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function tooLarge(): FabError {
  return new FabError(
    `The FAB would be larger than the ${MAX_FAB_BYTES} bytes that are accepted. ` +
      "Name files that the app does not need in its .gitignore.",
  );
}
