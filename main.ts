/**
 * Trellis: a SuperLink, a SuperNode and the CLI of a Flower federation, in one program.
 *
 * The first argument picks one of the three, and so does the name that the executable was started
 * under (`trellis-superlink`, `flower-superlink` and so on, or `flwr`). Only that part is loaded.
 *
 * @module
 */

import process from "node:process";
import { basename } from "node:path";
import project from "./deno.json" with { type: "json" };
import { ExitError } from "./terminal/errors.ts";
import { reportFailure } from "./terminal/failure.ts";
import { processTerminal } from "./terminal/terminal.ts";

/** A part of the program, with the arguments that are left for it. */
export interface Mode {
  readonly part: "superlink" | "supernode" | "app-process" | "cli" | "version";
  readonly args: readonly string[];
}

/**
 * Picks the part. `executable` is the name under which the program was started.
 *
 * `supernode` with flags is a SuperNode; with a word, such as `register`, it is the CLI.
 */
export function chooseMode(executable: string, args: readonly string[]): Mode {
  const [first, ...rest] = args;
  // The program starts itself so, under whatever name it has.
  if (first === "app-process") return { part: first, args: rest };
  switch (basename(executable).replace(/\.exe$/i, "")) {
    case "flower-superlink":
    case "trellis-superlink":
      return isVersion(first) ? VERSION : { part: "superlink", args };
    case "flower-supernode":
    case "trellis-supernode":
      return isVersion(first) ? VERSION : { part: "supernode", args };
    case "flwr":
      return isVersion(first) ? VERSION : { part: "cli", args };
  }
  if (isVersion(first)) return VERSION;
  if (first === "superlink") return { part: first, args: rest };
  const isNode = first === "supernode" && (rest[0] === undefined || rest[0].startsWith("-"));
  return isNode ? { part: "supernode", args: rest } : { part: "cli", args };
}

/** Throws an {@linkcode ExitError} for a Deno that is too old to serve gRPC over TLS. */
export function requireDeno(version: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > MIN_DENO[0] || major === MIN_DENO[0] && minor >= MIN_DENO[1]) return;
  throw new ExitError(`Trellis needs Deno ${MIN_DENO.join(".")} or newer; this is ${version}.`, {
    remedy: "Run `deno upgrade`, or start it with `npx -y deno@2.9.6`.",
  });
}

const VERSION: Mode = { part: "version", args: [] };

/** `node:http2` has had `createSecureServer` since then. */
const MIN_DENO = [2, 7] as const;

function isVersion(argument: string | undefined): boolean {
  return argument === "--version" || argument === "-V";
}

async function run({ part, args }: Mode): Promise<number> {
  switch (part) {
    case "superlink": {
      const { superlinkCommand } = await import("./superlink/main.ts");
      return await superlinkCommand([...args]);
    }
    case "supernode": {
      const { supernodeCommand } = await import("./supernode/main.ts");
      return await supernodeCommand([...args]);
    }
    case "app-process": {
      const { appProcessCommand } = await import("./apps/typescript/app_process_command.ts");
      return await appProcessCommand(args);
    }
    case "cli": {
      const { cliCommand } = await import("./cli/main.ts");
      return await cliCommand(args, processTerminal());
    }
    case "version":
      processTerminal().print(`Trellis ${project.version} (protocols of Flower 1.23 to 1.41)`);
      return 0;
  }
}

if (import.meta.main) {
  let exitCode: number;
  try {
    requireDeno(Deno.version.deno);
    exitCode = await run(chooseMode(process.argv0, Deno.args));
  } catch (error) {
    exitCode = reportFailure(error, processTerminal());
  }
  Deno.exit(exitCode);
}
