/**
 * Which SuperLink a command talks to. Up to Flower 1.25 commands end in `[APP] [FEDERATION]`, from
 * 1.26 on in `[SUPERLINK]`; both are understood, told apart by what the argument is.
 *
 * @module
 */

import { join } from "node:path";
import { readConnection, type SuperLinkConnection } from "../config/connection.ts";
import {
  type ConnectionFile,
  connectionIn,
  noSuchConnection,
  readAppConnections,
  readHomeConnections,
} from "../config/connection_files.ts";
import { readUserConfigTable } from "../config/user_config.ts";
import type { Positional } from "../terminal/command.ts";
import { ExitError, UsageError } from "../terminal/errors.ts";
import { type Flag, listFlag, type RawFlags, switchFlag, textFlag } from "../terminal/flags.ts";
import { flwrHome } from "../terminal/flwr_home.ts";
import { parseAddress } from "../wire/address.ts";

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

const SUPERLINK_FLAG = textFlag(
  "superlink",
  "NAME|HOST:PORT",
  "The SuperLink: a declared connection, or the address of its Control API (no file needed).",
);
const ROOT_CERTIFICATES_FLAG = textFlag(
  "root-certificates",
  "FILE",
  "CA certificates (PEM) for the address in --superlink.",
  { defaultText: "the roots built in" },
);
const INSECURE_FLAG = switchFlag("insecure", "Speak to the address in --superlink without TLS.");

/** The flags of every command that talks to a SuperLink. */
export const TARGET_FLAGS: readonly Flag<unknown>[] = [
  SUPERLINK_FLAG,
  ROOT_CERTIFICATES_FLAG,
  INSECURE_FLAG,
];

/** What a command line says of the SuperLink in flags. */
export interface NamedSuperLink {
  /** A connection's name, or `HOST:PORT`. */
  readonly superlink: string;
  /** For an address only. */
  readonly rootCertificates?: string | undefined;
  readonly insecure?: boolean;
}

/** Where to look when a command line does not say it. */
export interface TargetContext {
  /** What {@linkcode TARGET_FLAGS} say, if anything. */
  readonly named?: NamedSuperLink | undefined;
  readonly workingDirectory: string;
  readonly home: string;
  /** Values of `--federation-config`. */
  readonly federationConfig?: readonly string[];
}

/** The context of this process, for a command line with these flags. */
export function processContext(flags: RawFlags = new Map()): TargetContext {
  const federationConfig = FEDERATION_CONFIG_FLAG.of(flags);
  return { workingDirectory: ".", home: flwrHome(), federationConfig, named: namedIn(flags) };
}

function namedIn(flags: RawFlags): NamedSuperLink | undefined {
  const superlink = SUPERLINK_FLAG.of(flags);
  const rootCertificates = ROOT_CERTIFICATES_FLAG.of(flags);
  const insecure = INSECURE_FLAG.of(flags);
  if (superlink !== undefined) return { superlink, rootCertificates, insecure };
  if (rootCertificates === undefined && !insecure) return undefined;
  throw new UsageError(
    "--insecure and --root-certificates are for an address in --superlink.",
    "Connections and federations say in their own table how they are secured.",
  );
}

/**
 * Finds the connection that `[APP] [FEDERATION]`, `[SUPERLINK]` or `--superlink` name, or the default
 * one.
 */
export async function findConnection(
  target: readonly string[],
  context: TargetContext,
): Promise<SuperLinkConnection> {
  if (context.named) return await findNamed(target, context.named, context);
  const [first, second] = target;
  const home = await readHomeConnections(context.home);
  if (first === undefined) return await choose([...await appHere(context), home], first, context);
  if (second === undefined && !await isApp(first)) {
    return await choose([home, ...await appHere(context)], first, context);
  }
  const app = await readAppConnections(first);
  return await choose(app ? [app, home] : [home], second, context);
}

async function findNamed(
  [first, second]: readonly string[],
  { superlink, rootCertificates, insecure = false }: NamedSuperLink,
  context: TargetContext,
): Promise<SuperLinkConnection> {
  const other = second ?? (first === undefined || await isApp(first) ? undefined : first);
  if (other !== undefined) {
    throw new UsageError(`--superlink names a SuperLink, and so does "${other}". Give one.`);
  }
  if (parseAddress(superlink) === undefined) {
    if (rootCertificates === undefined && !insecure) {
      const home = await readHomeConnections(context.home);
      return await choose([home, ...await appHere(context)], superlink, context);
    }
    throw new UsageError(
      `"${superlink}" is no address, so --insecure and --root-certificates say nothing of it.`,
      "Write HOST:PORT, or leave them out to use the connection of that name.",
    );
  }
  if (insecure && rootCertificates !== undefined) {
    throw new UsageError("Give --insecure or --root-certificates, not both.");
  }
  return await readConnection({
    address: superlink,
    insecure,
    ...rootCertificates === undefined ? {} : { "root-certificates": rootCertificates },
  }, {
    name: superlink,
    header: "the command line (--superlink)",
    file: undefined,
    directory: context.workingDirectory,
  });
}

/** How a command line says the same again, as words. */
export function targetWords(target: readonly string[], flags: RawFlags): string[] {
  const named = namedIn(flags);
  if (!named) return [...target];
  const { superlink, rootCertificates, insecure } = named;
  return [
    ...["--superlink", superlink],
    ...(rootCertificates === undefined ? [] : ["--root-certificates", rootCertificates]),
    ...(insecure ? ["--insecure"] : []),
  ];
}

/**
 * The directory of the app that is meant: the first argument, if it names one, or this one. Where
 * neither is an app, it is the one that was named.
 */
export async function appDirectory([first]: readonly string[]): Promise<string> {
  if (first === undefined) return ".";
  if (await isApp(first)) return first;
  return !await isFile("pyproject.toml") && await isDirectory(first) ? first : ".";
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

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false;
  }
}
