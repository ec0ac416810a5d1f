/**
 * Files with SuperNodes: CSV with a head, as `supernode export` writes it, or a folder of public keys.
 *
 * @module
 */

import { dirname, extname, join, resolve } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { KeyError } from "../keys/key_error.ts";
import { readPublicKeyFile } from "../keys/key_files.ts";
import { readPublicKey, spkiPem } from "../keys/public_key.ts";
import type { NewNodeSchema } from "../proto/gen/trellis/v1/registry_pb.ts";
import { readCsv } from "../terminal/csv.ts";
import { ExitError, UsageError } from "../terminal/errors.ts";
import { expiryOf } from "./expiry.ts";
import { type Labels, readLabels } from "./labels.ts";
import { NODE_STATUSES } from "./node_view.ts";

/** Where something stands in a file. */
export interface FilePlace {
  /** `line 3`, or the name of a key's file. */
  readonly place: string;
  /** Grows from place to place. */
  readonly order: number;
}

/** A SuperNode of a file. */
export interface FileNode extends FilePlace {
  readonly node: MessageInitShape<typeof NewNodeSchema>;
}

/** What is wrong at a place, in a sentence. */
export interface FileFault extends FilePlace {
  readonly text: string;
}

/** What a file has. */
export interface RegistryFile {
  readonly nodes: readonly FileNode[];
  readonly faults: readonly FileFault[];
}

/** The columns of a CSV file. The last ones say what is known already, and are passed over. */
const COLUMNS = ["public-key", "key-file", "name", "location", "labels", "expires", "status"];
const PASSED_OVER = ["node-id", "fingerprint"];

/** Reads a folder of `.pub` files, or a CSV file. Throws an {@linkcode ExitError} for neither. */
export async function readRegistryFile(path: string, nowMicros: number): Promise<RegistryFile> {
  const info = await Deno.stat(path).catch((error) => {
    throw new ExitError(`"${path}" cannot be read.`, {
      cause: error,
      remedy: "Give a folder of `.pub` files, or a CSV file that this user may read.",
    });
  });
  return info.isDirectory ? await readFolder(path) : await readFile(path, nowMicros);
}

/** Nothing is said of the keys: what is said of one that is registered stays. */
async function readFolder(folder: string): Promise<RegistryFile> {
  const files = Array.from(Deno.readDirSync(folder), ({ name }) => name)
    .filter((name) => extname(name) === ".pub").sort();
  if (files.length === 0) throw new ExitError(`The folder "${folder}" has no .pub files.`);
  const nodes: FileNode[] = [];
  const faults: FileFault[] = [];
  for (const [order, file] of files.entries()) {
    const place = { place: file, order };
    await collect(faults, place, async () => {
      const publicKey = pemOf(await readPublicKeyFile(join(folder, file)));
      nodes.push({ ...place, node: { publicKey } });
    });
  }
  return { nodes, faults };
}

async function readFile(path: string, nowMicros: number): Promise<RegistryFile> {
  const lines = readCsv(await Deno.readTextFile(path));
  if (!lines) throw new ExitError(`"${path}" is no CSV: a quotation mark is not closed.`);
  const [head, ...rows] = lines;
  const columns = head?.cells ?? [];
  requireColumns(columns, path);
  const nodes: FileNode[] = [];
  const faults: FileFault[] = [];
  for (const { line, cells } of rows) {
    const place = { place: `line ${line}`, order: line };
    await collect(faults, place, async () => {
      if (cells.length > columns.length) throw new UsageError("It has more cells than the head.");
      const values = new Map(columns.map((column, index) => [column, cells[index] ?? ""]));
      nodes.push({ ...place, node: await nodeOf(values, dirname(path), nowMicros) });
    });
  }
  return { nodes, faults };
}

function requireColumns(columns: readonly string[], path: string): void {
  const unknown = columns.filter((column) => ![...COLUMNS, ...PASSED_OVER].includes(column));
  const hasKey = columns.includes("public-key") || columns.includes("key-file");
  if (unknown.length === 0 && hasKey) return;
  throw new ExitError(
    unknown.length > 0
      ? `"${path}" has columns that are not known: ${unknown.join(", ")}.`
      : `"${path}" has no column public-key or key-file.`,
    { remedy: `The first line names the columns, of these: ${COLUMNS.join(", ")}.` },
  );
}

async function nodeOf(
  values: ReadonlyMap<string, string>,
  folder: string,
  nowMicros: number,
): Promise<FileNode["node"]> {
  const text = values.get("public-key") ?? "";
  const file = values.get("key-file") ?? "";
  if (text === "" && file === "") throw new UsageError("It has no public key.");
  const key = text === "" ? await readPublicKeyFile(resolve(folder, file)) : readPublicKey(text);
  const [name, location] = [values.get("name"), values.get("location")];
  const [labels, expires] = [values.get("labels"), values.get("expires")];
  return {
    publicKey: pemOf(key),
    ...(name === undefined ? {} : { name }),
    ...(location === undefined ? {} : { location }),
    ...(labels === undefined ? {} : { labels: { labels: labelsOf(labels) } }),
    ...(expires === undefined ? {} : { expiry: expiryOf(expires || "never", nowMicros) }),
    suspended: isSuspended(values.get("status") ?? ""),
  };
}

/** Any status may be written down; only one of them is acted on, and none that is misspelt. */
function isSuspended(status: string): boolean {
  if (status === "" || NODE_STATUSES.some((known) => known === status)) {
    return status === "suspended";
  }
  throw new UsageError(`"${status}" is no status of a SuperNode.`);
}

/** Labels in one cell, `a=b;c=d`; `%3B` stands for a semicolon of a value and `%25` for its `%`. */
export function labelsCell(labels: Labels): string {
  const escaped = (value: string) => value.replaceAll("%", "%25").replaceAll(";", "%3B");
  return Object.entries(labels).map(([key, value]) => `${key}=${escaped(value)}`).join(";");
}

function labelsOf(cell: string): Labels {
  const parts = cell.split(";").map((part) => part.trim()).filter((part) => part !== "");
  return readLabels(parts.map((part) => part.replaceAll("%3B", ";").replaceAll("%25", "%")));
}

function pemOf(key: Parameters<typeof spkiPem>[0]): Uint8Array {
  return new TextEncoder().encode(spkiPem(key));
}

/** Does something for a place, and notes what is wrong there. */
async function collect(
  faults: FileFault[],
  place: FilePlace,
  task: () => Promise<void>,
): Promise<void> {
  try {
    await task();
  } catch (error) {
    const isKnown = error instanceof ExitError || error instanceof UsageError ||
      error instanceof KeyError;
    if (!isKnown) throw error;
    faults.push({ ...place, text: error.message });
  }
}
