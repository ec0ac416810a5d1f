/**
 * Which Flower a Python environment has, and so how its app programs are called.
 *
 * @module
 */

import { dirname, join } from "node:path";

/** Apps of this minor release and later call over HTTP. */
const FIRST_HTTP_MINOR = 35;
const DIST_INFO = /^flwr(?:_nightly)?-(\d+)\.(\d+)[^-]*\.dist-info$/i;

/**
 * Whether the app program is one of Flower 1.35 and newer, which calls the Runtime API over HTTP.
 * False also when the release cannot be told: the program is then called as Flower 1.25's.
 */
export async function callsOverHttp(program: string): Promise<boolean> {
  const release = await flowerRelease(program);
  if (!release) return false;
  const [major, minor] = release;
  return major > 1 || minor >= FIRST_HTTP_MINOR;
}

/** Major and minor number of the flwr that is installed beside a console script. */
export async function flowerRelease(
  program: string,
): Promise<readonly [major: number, minor: number] | undefined> {
  const root = dirname(dirname(await Deno.realPath(program)));
  for (const folder of await packageFolders(root)) {
    for (const name of await namesIn(folder)) {
      const [, major, minor] = DIST_INFO.exec(name) ?? [];
      if (major !== undefined && minor !== undefined) return [Number(major), Number(minor)];
    }
  }
  return undefined;
}

/** Where environments of different makers and systems keep packages. */
async function packageFolders(root: string): Promise<string[]> {
  const pythons = (await namesIn(join(root, "lib"))).filter((name) => /^python3/.test(name));
  return [
    ...pythons.flatMap((python) =>
      ["site-packages", "dist-packages"].map((packages) => join(root, "lib", python, packages))
    ),
    join(root, "Lib", "site-packages"),
  ];
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return [];
    }
    throw error;
  }
}
