/**
 * Starts SuperLinks, ours and Flower's.
 *
 * @module
 */

import { delay } from "@std/async";
import { appFlags, type AppOptions } from "./app_flags.ts";
import type { Certificates } from "./credentials.ts";
import { accepts, freeAddress, retryOnPortClash } from "./ports.ts";
import type { RunningProcess } from "./process.ts";
import { minorOf, type Program } from "./programs.ts";
import type { Scene } from "./scene.ts";

/** How a SuperLink is started. */
export interface SuperLinkOptions extends AppOptions {
  /** Without them it serves plain text. */
  readonly certificates?: Certificates;
  readonly enableSuperNodeAuth?: boolean;
  /** In place of a file in the scene's folder, for example `:flwr-in-memory:`. */
  readonly database?: string;
}

/** A SuperLink that accepts connections. */
export interface SuperLink {
  readonly process: RunningProcess;
  readonly fleetAddress: string;
  readonly controlAddress: string;
  /** Where ServerApps connect. */
  readonly serverAppAddress: string;
  readonly certificates: Certificates | undefined;
  /** Starts it again with the same flags, on the same addresses and state, once it is gone. */
  restart(): Promise<SuperLink>;
}

const START_MS = 60_000;

/** Starts a SuperLink on free ports, with its state in the scene's folder. */
export function startSuperLink(
  scene: Scene,
  program: Program,
  options: SuperLinkOptions = {},
): Promise<SuperLink> {
  return retryOnPortClash(() =>
    startOn(
      scene,
      program,
      options,
      servesHttpOnly(program) ? oneAddress() : {
        fleet: freeAddress(),
        control: freeAddress(),
        serverApp: freeAddress(),
      },
    )
  );
}

/** From Flower 1.40 on all APIs are HTTP, on one port. */
function servesHttpOnly(program: Program): boolean {
  return minorOf(program) >= 40;
}

function oneAddress(): Addresses {
  const address = freeAddress();
  return { fleet: address, control: address, serverApp: address };
}

function addressFlags(program: Program, { fleet, control, serverApp }: Addresses): string[] {
  if (servesHttpOnly(program)) {
    const [host = "", port = ""] = fleet.split(":");
    // Apps have what they need in the environment, and installing it again needs a network.
    return ["--host", host, "--port", port, "--disable-runtime-dependency-installation"];
  }
  return [
    ...["--fleet-api-address", fleet],
    ...["--control-api-address", control],
    ...["--serverappio-api-address", serverApp],
  ];
}

interface Addresses {
  readonly fleet: string;
  readonly control: string;
  readonly serverApp: string;
}

async function startOn(
  scene: Scene,
  program: Program,
  options: SuperLinkOptions,
  addresses: Addresses,
): Promise<SuperLink> {
  const { certificates, enableSuperNodeAuth = false } = options;
  const tls = certificates === undefined ? ["--insecure"] : [
    ...["--ssl-ca-certfile", certificates.ca],
    ...["--ssl-certfile", certificates.certificate],
    ...["--ssl-keyfile", certificates.key],
  ];
  const process = scene.start(program, {
    name: "SuperLink",
    args: [
      ...tls,
      ...(enableSuperNodeAuth ? ["--enable-supernode-auth"] : []),
      ...addressFlags(program, addresses),
      ...["--database", options.database ?? scene.path("superlink.db")],
      ...appFlags(program, options),
    ],
  });
  await ready(process, Object.values(addresses));
  return {
    process,
    fleetAddress: addresses.fleet,
    controlAddress: addresses.control,
    serverAppAddress: addresses.serverApp,
    certificates,
    restart: () => startOn(scene, program, options, addresses),
  };
}

async function ready(process: RunningProcess, addresses: readonly string[]): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (const address of addresses) {
    while (!await accepts(address)) {
      if (process.isRunning && Date.now() < deadline) await delay(50);
      else {throw new Error(
          `${process.name} does not listen on ${address}\n${process.transcript()}`,
        );}
    }
  }
}
