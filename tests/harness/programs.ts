/**
 * The programs that play in scenes: ours and those of real Flower. They take the same flags, so a
 * test is written once and cast in several ways.
 *
 * @module
 */

import { join } from "node:path";
import type { Transport } from "../../wire/transport.ts";
import { FLOWER_VERSIONS, flowerBin, type FlowerVersion, REPOSITORY } from "./flower_env.ts";

/** A program, and how it differs from its counterparts. */
export interface Program {
  /** How test names and failures call it. */
  readonly title: string;
  readonly command: string;
  /** What comes before its flags. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The release of real Flower that it belongs to; ours have none. */
  readonly flower?: FlowerVersion;
  /** How ours speaks to the SuperLink where a test is about that; Flower's speak as they do. */
  readonly transport?: Transport;
  /** Whether SIGTERM must end it with exit code 0. Flower's SuperNode is known to hang at times. */
  readonly endsCleanly: boolean;
}

/** The three programs of one implementation. */
export interface Programs {
  readonly superlink: Program;
  readonly supernode: Program;
  readonly cli: Program;
}

function ours(title: string, ...args: string[]): Program {
  return {
    title,
    command: Deno.execPath(),
    args: ["run", "-A", join(REPOSITORY, "main.ts"), ...args],
    endsCleanly: true,
  };
}

/** Our own programs, from source. */
export const TRELLIS: Programs = {
  superlink: ours("Trellis SuperLink", "superlink"),
  supernode: ours("Trellis SuperNode", "supernode"),
  cli: ours("Trellis CLI"),
};

/** Our SuperNode and CLI, made to speak over one of the two. */
export function trellisOver(transport: Transport): Pick<Programs, "supernode" | "cli"> {
  const over = { grpc: "gRPC", http: "HTTP" }[transport];
  const { supernode, cli } = TRELLIS;
  return {
    supernode: {
      ...supernode,
      title: `${supernode.title} over ${over}`,
      args: [...supernode.args, "--transport", transport],
      transport,
    },
    cli: { ...cli, title: `${cli.title} over ${over}`, transport },
  };
}

/** The programs of a release of real Flower, with the one that starts apps (isolation `process`). */
export function flower(version: FlowerVersion): Programs & { readonly superexec: Program } {
  const bin = flowerBin(version);
  const real = (title: string, name: string): Program => ({
    title: `${title} of Flower ${version}`,
    command: join(bin, name),
    args: [],
    env: { PATH: `${bin}:${Deno.env.get("PATH")}` },
    flower: version,
    endsCleanly: false,
  });
  return {
    superlink: real("SuperLink", "flower-superlink"),
    supernode: real("SuperNode", "flower-supernode"),
    cli: real("CLI", "flwr"),
    superexec: real("SuperExec", "flower-superexec"),
  };
}

/** The minor number of the release that a program follows, to tell how it is called. */
export function minorOf({ flower = FLOWER_VERSIONS[0] }: Program): number {
  return Number(flower.split(".")[1]);
}

/** From which release on Flower's programs call a SuperLink over HTTP. */
const HTTP_SINCE = { supernode: 40, cli: 37 } as const;

/** Whether a SuperNode or a CLI calls over HTTP. */
export function callsOverHttp(program: Program, role: keyof typeof HTTP_SINCE): boolean {
  return program.transport === "http" || minorOf(program) >= HTTP_SINCE[role];
}
