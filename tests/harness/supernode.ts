/**
 * Starts SuperNodes, ours and Flower's.
 *
 * @module
 */

import { appFlags, type AppOptions } from "./app_flags.ts";
import { freePort } from "./ports.ts";
import type { RunningProcess } from "./process.ts";
import { callsOverHttp, minorOf, type Program } from "./programs.ts";
import type { Scene } from "./scene.ts";
import type { SuperLink } from "./superlink.ts";

/** A SuperNode is online this soon after its start, also on a busy machine. */
export const JOIN_MS = 45_000;

/** How a SuperNode is started. */
export interface SuperNodeOptions extends AppOptions {
  /** How failures name it. */
  readonly name: string;
  /** The file with its private key; without one it makes a key and registers itself. */
  readonly privateKey?: string;
  /** Which part of the data it has, of {@linkcode partitions}. */
  readonly partition?: number;
  /** Two by default. */
  readonly partitions?: number;
  /** Where its ClientApps connect; a free port by default. */
  readonly clientAppPort?: number;
  /** The file with the secret that those must know who start its ClientApps. */
  readonly superExecSecret?: string;
  /** How long it tries again what is refused or not answered; for ever by default. */
  readonly maxWaitS?: number;
}

/** Starts a SuperNode that joins `link`. It may be refused: its output tells. */
export function startSuperNode(
  scene: Scene,
  program: Program,
  link: SuperLink,
  options: SuperNodeOptions,
): RunningProcess {
  const { name, privateKey, partition = 0, partitions = 2, maxWaitS, ...rest } = options;
  const { clientAppPort = freePort(), superExecSecret, ...apps } = rest;
  const { certificates, fleetAddress, httpAddress } = link;
  const address = callsOverHttp(program, "supernode") ? httpAddress : fleetAddress;
  return scene.start(program, {
    name,
    args: [
      ...(certificates === undefined ? ["--insecure"] : ["--root-certificates", certificates.ca]),
      ...["--superlink", address],
      ...clientAppIoFlags(program, clientAppPort),
      ...appFlags(program, apps),
      ...(superExecSecret === undefined ? [] : ["--superexec-auth-secret-file", superExecSecret]),
      ...["--node-config", `partition-id=${partition} num-partitions=${partitions}`],
      ...(privateKey === undefined ? [] : ["--auth-supernode-private-key", privateKey]),
      ...(maxWaitS === undefined ? [] : ["--max-wait-time", String(maxWaitS)]),
    ],
  });
}

/** From 1.35 on the API for apps is HTTP, and the flag that the guide uses is an error. */
function clientAppIoFlags(program: Program, port: number): string[] {
  return minorOf(program) < 35
    ? ["--clientappio-api-address", `127.0.0.1:${port}`]
    : ["--port", String(port)];
}
