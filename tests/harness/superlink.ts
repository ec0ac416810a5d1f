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
  /** Where ours serves its page; nowhere without. */
  readonly dashboardAddress?: string;
}

/** A SuperLink that accepts connections. */
export interface SuperLink {
  readonly process: RunningProcess;
  /** Over gRPC where it has that, as the next two are. */
  readonly fleetAddress: string;
  readonly controlAddress: string;
  /** Where ServerApps connect. */
  readonly serverAppAddress: string;
  /** Where whatever it serves over HTTP is; nothing listens there before Flower 1.35. */
  readonly httpAddress: string;
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
  return retryOnPortClash(() => startOn(scene, program, options, freeAddresses(program)));
}

interface Addresses {
  readonly fleet: string;
  readonly control: string;
  readonly serverApp: string;
  readonly http: string;
}

/** The release from which on each API is HTTP, on the one port that all have in common. */
const HTTP_SINCE = { serverApp: 35, control: 37, fleet: 40 } as const;

/** Ours serves each API both ways. */
function freeAddresses(program: Program): Addresses {
  const http = freeAddress();
  const minor = minorOf(program);
  return {
    fleet: minor >= HTTP_SINCE.fleet ? http : freeAddress(),
    control: minor >= HTTP_SINCE.control ? http : freeAddress(),
    serverApp: minor >= HTTP_SINCE.serverApp ? http : freeAddress(),
    http,
  };
}

function addressFlags(
  program: Program,
  { fleet, control, serverApp, http }: Addresses,
  dashboardAddress: string,
): string[] {
  const isOurs = program.flower === undefined;
  const minor = minorOf(program);
  const grpc = [
    ...(fleet === http ? [] : ["--fleet-api-address", fleet]),
    ...(control === http ? [] : ["--control-api-address", control]),
    ...(serverApp === http ? [] : ["--serverappio-api-address", serverApp]),
  ];
  if (!isOurs && minor < HTTP_SINCE.serverApp) return grpc;
  const [host = "", port = ""] = http.split(":");
  // Apps have what they need in the environment, and installing it again needs a network.
  const asIs = isOurs
    ? ["--dashboard-address", dashboardAddress]
    : ["--disable-runtime-dependency-installation"];
  return [...grpc, "--host", host, "--port", port, ...asIs];
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
      ...addressFlags(program, addresses, options.dashboardAddress ?? "none"),
      ...["--database", options.database ?? scene.path("superlink.db")],
      ...appFlags(program, options),
    ],
  });
  const { fleet, control, serverApp, http } = addresses;
  const servesHttp = program.flower === undefined || minorOf(program) >= HTTP_SINCE.serverApp;
  await ready(process, [fleet, control, serverApp, ...servesHttp ? [http] : []]);
  return {
    process,
    fleetAddress: fleet,
    controlAddress: control,
    serverAppAddress: serverApp,
    httpAddress: http,
    certificates,
    restart: () => startOn(scene, program, options, addresses),
  };
}

/** Waits until a process listens on all of the addresses. */
export async function ready(process: RunningProcess, addresses: readonly string[]): Promise<void> {
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
