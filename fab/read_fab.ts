/**
 * Reads Flower App Bundles: zip files with a `pyproject.toml`, the app's files, and `.info/CONTENT`,
 * which lists the files with their hashes (Flower 1.25; what newer versions build is read too).
 *
 * @module
 */

import { createHash } from "node:crypto";
import { unzipSync } from "fflate";
import { type AppConfig, readAppConfig } from "./app_config.ts";
import { FabError } from "./fab_error.ts";

/** The largest FAB that Flower accepts, in bytes. */
export const MAX_FAB_BYTES = 10_485_760;

/** What a FAB may hold when unpacked, so that a small zip cannot fill a disk. */
const MAX_UNPACKED_BYTES = 256 * 1024 ** 2;
const MAX_FILES = 10_000;
const CONTENT_FILE = ".info/CONTENT";
const CONFIG_FILE = "pyproject.toml";

/** A FAB that was read and checked. */
export interface Fab {
  /** Hex SHA-256 of the whole zip. */
  readonly hash: string;
  readonly app: AppConfig;
  /** The app's files by their paths, `/` between folders, without `.info`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * Reads a FAB.
 *
 * @throws FabError when it is too large, no zip, or has paths that leave its folder, lacks its
 * manifest or `pyproject.toml`, or holds a file that is not the one its manifest names.
 */
export function readFab(bytes: Uint8Array): Fab {
  if (bytes.length > MAX_FAB_BYTES) {
    throw new FabError(
      `The FAB has ${bytes.length} bytes; at most ${MAX_FAB_BYTES} are accepted.`,
    );
  }
  const entries = unzip(bytes);
  const manifest = entries.get(CONTENT_FILE);
  if (!manifest) throw new FabError(`The FAB has no ${CONTENT_FILE}.`);
  checkManifest(text(manifest, CONTENT_FILE), entries);
  const config = entries.get(CONFIG_FILE);
  if (!config) throw new FabError(`The FAB has no ${CONFIG_FILE}.`);
  const app = readAppConfig(text(config, CONFIG_FILE));
  const files = new Map([...entries].filter(([path]) => !path.startsWith(".info/")));
  return { hash: createHash("sha256").update(bytes).digest("hex"), app, files };
}

function unzip(bytes: Uint8Array): Map<string, Uint8Array> {
  let unpackedBytes = 0;
  let count = 0;
  const paths = new Set<string>();
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(bytes, {
      filter({ name, originalSize }) {
        unpackedBytes += originalSize;
        if (++count > MAX_FILES || unpackedBytes > MAX_UNPACKED_BYTES) {
          throw new FabError("The FAB unpacks to more than is accepted.");
        }
        if (!isInside(name)) throw new FabError(`The FAB has the path "${name}", which leaves it.`);
        if (paths.has(name)) throw new FabError(`The FAB has the file "${name}" twice.`);
        paths.add(name);
        return !name.endsWith("/");
      },
    });
  } catch (error) {
    if (error instanceof FabError) throw error;
    throw new FabError("The FAB is not a zip file.", { cause: error });
  }
  return new Map(Object.entries(entries));
}

/** Whether a path stays below the folder that it is unpacked to, on every system. */
function isInside(path: string): boolean {
  if (path === "" || path.startsWith("/") || /[\\\0:]/.test(path)) return false;
  return !path.split("/").some((part) => part === ".." || part === ".");
}

function checkManifest(manifest: string, entries: ReadonlyMap<string, Uint8Array>): void {
  for (const line of manifest.split("\n").filter((line) => line !== "")) {
    const [, path, hash] = /^(.+),([0-9a-f]{64}),\d+$/.exec(line.trimEnd()) ?? [];
    if (path === undefined || hash === undefined) {
      throw new FabError(`The FAB's ${CONTENT_FILE} has a line that names no file and hash.`);
    }
    const content = entries.get(path);
    if (!content || createHash("sha256").update(content).digest("hex") !== hash) {
      throw new FabError(`The FAB's file "${path}" is not the one that its manifest names.`);
    }
  }
}

function text(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FabError(`The FAB's ${name} is not UTF-8 text.`, { cause });
  }
}
