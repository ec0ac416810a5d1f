/**
 * Builds the self-contained executable: `deno task compile` for this machine, `deno task compile --all`
 * for every system, or with the names of some. Deno downloads its runtime for each.
 *
 * @module
 */

import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The systems, as Deno calls them and as the files are called. */
export const TARGETS = {
  "linux-x64": "x86_64-unknown-linux-gnu",
  "linux-arm64": "aarch64-unknown-linux-gnu",
  "macos-x64": "x86_64-apple-darwin",
  "macos-arm64": "aarch64-apple-darwin",
  "windows-x64": "x86_64-pc-windows-msvc",
} as const satisfies Readonly<Record<string, string>>;

/** The name of a system. */
export type TargetName = keyof typeof TARGETS;

/** The arguments of `deno` that build the executable of a system; of this one without a name. */
export function compileArguments(target: TargetName | undefined): string[] {
  const suffix = target?.startsWith("windows") ? ".exe" : "";
  return [
    "compile",
    "--allow-all",
    // Those that only tests and generators need are four fifths of all bytes.
    "--exclude-unused-npm",
    "--exclude",
    unreadableSamples(),
    ...(target === undefined ? [] : ["--target", TARGETS[target]]),
    "--output",
    target === undefined ? "dist/trellis" : `dist/${target}/trellis${suffix}`,
    "main.ts",
  ];
}

/** The systems that a command line asks for. Throws an `Error` for one that there is not. */
export function targetsOf(args: readonly string[]): (TargetName | undefined)[] {
  if (args.length === 0) return [undefined];
  const names = Object.keys(TARGETS).filter(isTarget);
  if (args.includes("--all")) return names;
  return args.map((name) => {
    if (isTarget(name)) return name;
    throw new Error(`There is no target "${name}". There are: ${names.join(", ")}, and --all.`);
  });
}

/**
 * A folder of the npm package `bintrees`, which `prom-client` brings along. `deno compile` of 2.9 parses
 * every file of a package, and its stack overflows on the 100,000 numbers that are samples there.
 */
function unreadableSamples(): string {
  const path = ["tdigest", "bintrees"].reduce(
    (from, name) => createRequire(from).resolve(name),
    import.meta.resolve("prom-client"),
  );
  return join(dirname(path), "test");
}

function isTarget(name: string): name is TargetName {
  return name in TARGETS;
}

if (import.meta.main) {
  for (const target of targetsOf(Deno.args)) {
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: compileArguments(target),
      cwd: new URL("..", import.meta.url),
      stdin: "null",
    }).spawn().status;
    if (code !== 0) Deno.exit(code);
  }
}
