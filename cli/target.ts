/**
 * Which SuperLink a command talks to. Up to Flower 1.25 commands end in `[APP] [FEDERATION]`, from
 * 1.26 on in `[SUPERLINK]`; both are understood, told apart by what the argument is.
 *
 * @module
 */

import { join } from "node:path";
import type { SuperLinkConnection } from "../config/connection.ts";
import {
  type ConnectionFile,
  connectionIn,
  noSuchConnection,
  readAppConnections,
  readHomeConnections,
} from "../config/connection_files.ts";
import { readUserConfigTable } from "../config/user_config.ts";
import type { Positional } from "../terminal/command.ts";
import { ExitError } from "../terminal/errors.ts";
import { listFlag, type RawFlags } from "../terminal/flags.ts";
import { flwrHome } from "../terminal/flwr_home.ts";

/** The last two arguments of every command that talks to a SuperLink. */
export const TARGET_POSITIONALS: readonly Positional[] = [
  {
    name: "APP",
    help: "Directory of the Flower app, or instead of both the name of a connection in config.toml",
    required: false,
  },
  {
    name: "FEDERATION",
    help: "Name in [tool.flwr.federations] of the app's pyproject.toml, or of a connection",
    required: false,
  },
];

/** `--federation-config`: other values for what the connection's table has. */
export const FEDERATION_CONFIG_FLAG = listFlag(
  "federation-config",
  "PAIRS",
  "Override values of the federation's table, as in 'insecure=true'.",
);

/** Where to look when a command line does not say it. */
export interface TargetContext {
  readonly workingDirectory: string;
  readonly home: string;
  /** Values of `--federation-config`. */
  readonly federationConfig?: readonly string[];
}

/** The context of this process, for a command line with these flags. */
export function processContext(flags: RawFlags = new Map()): TargetContext {
  const federationConfig = FEDERATION_CONFIG_FLAG.of(flags);
  return { workingDirectory: ".", home: flwrHome(), federationConfig };
}

/** Finds the connection that `[APP] [FEDERATION]` or `[SUPERLINK]` name, or the default one. */
export async function findConnection(
  [first, second]: readonly string[],
  context: TargetContext = processContext(),
): Promise<SuperLinkConnection> {
  const home = await readHomeConnections(context.home);
  if (first === undefined) return await choose([...await appHere(context), home], first, context);
  if (second === undefined && !await isApp(first)) {
    return await choose([home, ...await appHere(context)], first, context);
  }
  const app = await readAppConnections(first);
  return await choose(app ? [app, home] : [home], second, context);
}

/** The directory of the app that is meant: the first argument, if it names one, or this one. */
export async function appDirectory([first]: readonly string[]): Promise<string> {
  return first !== undefined && await isApp(first) ? first : ".";
}

/** Whether an argument is the directory of an app rather than the name of a connection. */
export async function isApp(argument: string): Promise<boolean> {
  if (argument === "." || argument === ".." || /[/\\]/.test(argument)) return true;
  return await isFile(join(argument, "pyproject.toml"));
}

/** The connection of that name in the first file that has it, or the first file's default one. */
async function choose(
  files: readonly ConnectionFile[],
  wanted: string | undefined,
  { federationConfig = [] }: TargetContext,
): Promise<SuperLinkConnection> {
  const name = wanted ?? files.find((file) => file.defaultName !== undefined)?.defaultName;
  if (name === undefined) throw nothingNamed(files);
  const overrides = await readUserConfigTable(federationConfig);
  for (const file of files) {
    const found = await connectionIn(file, name, overrides);
    if (found) return found;
  }
  throw noSuchConnection(name, files);
}

async function appHere({ workingDirectory }: TargetContext): Promise<ConnectionFile[]> {
  if (!await isFile(join(workingDirectory, "pyproject.toml"))) return [];
  const app = await readAppConnections(workingDirectory);
  return app ? [app] : [];
}

function nothingNamed(files: readonly ConnectionFile[]): ExitError {
  const declared = files.flatMap(({ connections }) => [...connections.keys()]);
  return new ExitError("No SuperLink was named and there is no default one.", {
    remedy: declared.length === 0
      ? "Name an app and a federation of its pyproject.toml, such as `. local-deployment`."
      : `Name one of: ${declared.join(", ")}. Or write \`default = "${declared[0]}"\` into ` +
        `"${files.find(({ connections }) => connections.size > 0)?.file}".`,
  });
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}
