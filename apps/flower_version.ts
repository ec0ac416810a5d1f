/**
 * Which Flower a Python environment has, and so how its app programs are called.
 *
 * @module
 */

import { dirname, join } from "node:path";

/** The minor release that is the first to call over HTTP. */
const FIRST_OVER_HTTP = 35;
/** The minor release that is the first to take the folder of FABs from `FLWR_HOME` alone. */
const FIRST_WITHOUT_FLWR_DIR = 27;
/** The minor release from which on ServerApps that call over gRPC name their token in metadata. */
const FIRST_WITH_TOKEN_IN_METADATA = 28;
const DIST_INFO = /^flwr(?:_nightly)?-(\d+)\.(\d+)[^-]*\.dist-info$/i;

/** How app programs are called; it differs between Flower's releases. */
export interface AppProgramStyle {
  /** Whether it calls the Runtime API over HTTP, or ServerAppIo and ClientAppIo over gRPC. */
  readonly overHttp: boolean;
  /** Whether it takes `--flwr-dir`. */
  readonly takesFlwrDir: boolean;
  /** Whether a ServerApp calls an API that only SuperLinks of its time have (1.28 to 1.34). */
  readonly serverAppApiIsGone: boolean;
}

/** How an app program is called: as that of Flower 1.25 when its release cannot be told. */
export async function appProgramStyle(program: string): Promise<AppProgramStyle> {
  const [major, minor] = await flowerRelease(program) ?? [1, 25];
  const isSince = (first: number) => major > 1 || minor >= first;
  const overHttp = isSince(FIRST_OVER_HTTP);
  return {
    overHttp,
    takesFlwrDir: !isSince(FIRST_WITHOUT_FLWR_DIR),
    serverAppApiIsGone: isSince(FIRST_WITH_TOKEN_IN_METADATA) && !overHttp,
  };
}

/** Major and minor number of the flwr that is installed beside a console script. */
async function flowerRelease(
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
