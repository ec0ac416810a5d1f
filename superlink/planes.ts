/**
 * The two ways into a SuperLink: gRPC for peers of Flower 1.23 to 1.39, one port an API, and HTTP for
 * newer ones, one port for all. Both serve the same state.
 *
 * @module
 */

import { ListenError } from "../wire/listen_error.ts";
import type { Log } from "../terminal/log.ts";
import type { Address } from "../wire/address.ts";
import type { LocalApi } from "../wire/local/local_api.ts";
import type { ServerTls } from "../wire/tls.ts";
import { grpcAdapter } from "./fleet/grpc_adapter.ts";
import { controlLimit, httpBindings } from "./http_bindings.ts";
import type { Listeners } from "./listeners.ts";
import type { SuperLinkOptions } from "./options.ts";
import type { Services } from "./services.ts";

/** Where the gRPC plane listens. */
export interface GrpcAddresses {
  readonly fleetAddress: Address;
  readonly controlAddress: Address;
  readonly serverAppAddress: Address;
}

/** What planes are opened with. */
export interface PlaneParts {
  readonly options: SuperLinkOptions;
  readonly tls: ServerTls | undefined;
  readonly listeners: Listeners;
  readonly services: Services;
  readonly log: Log;
}

/** Any free port that only this machine reaches. */
const PRIVATE: Address = { host: "127.0.0.1", port: 0 };

/** Who can do what on an API that asks for no credentials, once it is reachable from outside. */
const REACH = {
  control: "register and unregister SuperNodes, and start and stop runs",
  serverApps: "act as a ServerApp",
} as const;

/** Opens the gRPC ports, if the plane is on. */
export async function openGrpcPlane(
  { options, tls, listeners, services }: PlaneParts,
): Promise<GrpcAddresses | undefined> {
  if (!options.grpc) return undefined;
  const { maxMessageBytes } = options;
  const controlAddress = await listeners.grpc(
    { name: "Control API", address: options.controlAddress, tls, open: openControl(options) },
    [services.control, ...services.operators],
    controlLimit(maxMessageBytes),
  );
  const serverAppAddress = await listeners.grpc(
    { name: "ServerAppIo API", address: options.serverAppAddress, open: REACH.serverApps },
    [services.serverApps],
    maxMessageBytes,
  );
  const fleetAddress = await listeners.grpc(
    { name: "Fleet API", address: options.fleetAddress, tls },
    [
      services.fleet,
      services.nodeKeys,
      ...options.grpcAdapter ? [grpcAdapter(services.fleet)] : [],
    ],
    maxMessageBytes,
  );
  return { fleetAddress, controlAddress, serverAppAddress };
}

/**
 * Opens the HTTP port, if the plane is on. A default port that another program has is no reason not
 * to serve the peers of gRPC, whose command lines know nothing of it; one that was asked for is.
 */
export async function openHttpPlane(
  { options, tls, listeners, services, log }: PlaneParts,
): Promise<Address | undefined> {
  if (!options.http) return undefined;
  const { maxMessageBytes, http: { address, byDefault, tlsEndsAtProxy } } = options;
  const httpTls = tlsEndsAtProxy ? undefined : tls;
  try {
    // Apps that the SuperLink starts itself have a port of their own.
    const bindings = httpBindings(services, maxMessageBytes, {
      runtime: options.isolation === "process",
    });
    const port = { name: "HTTP APIs", address, tls: httpTls, open: reachOverHttp(options) };
    return await listeners.http(port, bindings);
  } catch (error) {
    if (!(error instanceof ListenError) || !byDefault || !options.grpc) throw error;
    log.warning(
      "superlink.no-http",
      `${error.message} Flower 1.35 and newer cannot connect: choose another port with --port, or ` +
        "give --no-http.",
    );
    return undefined;
  }
}

/** Where the processes that a SuperLink starts find their API: the one that their Flower calls. */
export interface AppAddresses {
  /** ServerAppIo, over gRPC. */
  readonly apiAddress: Address;
  /** Runtime, over HTTP. */
  readonly runtimeAddress: Address;
  /** ServerAppIo for apps in TypeScript. */
  readonly localApi: LocalApi;
}

/**
 * Opens what the processes that the SuperLink starts call. Where the gRPC plane has no port for it, it
 * is one that only this machine reaches; the Runtime API's is so in any case, because a certificate
 * need not be good for this machine's own address.
 */
export async function openAppPorts(
  { options, listeners, services }: PlaneParts,
  grpc: GrpcAddresses | undefined,
): Promise<AppAddresses> {
  const { maxMessageBytes } = options;
  const runtimeAddress = await listeners.http(
    { name: "Runtime API", address: PRIVATE },
    [{ service: services.runtime, maxMessageBytes }],
  );
  const apiAddress = grpc?.serverAppAddress ?? await listeners.grpc(
    { name: "ServerAppIo API", address: PRIVATE },
    [services.serverApps],
    maxMessageBytes,
  );
  const localApi = listeners.local([services.serverApps], maxMessageBytes);
  return { apiAddress, runtimeAddress, localApi };
}

function reachOverHttp(options: SuperLinkOptions): string | undefined {
  const { isolation, superExecSecretFile } = options;
  const openTasks = isolation === "process" && superExecSecretFile === undefined;
  const reach = [openControl(options), openTasks ? REACH.serverApps : undefined];
  return reach.filter((part) => part !== undefined).join(", and ") || undefined;
}

function openControl({ controlRule }: SuperLinkOptions): string | undefined {
  return controlRule.kind === "anybody" ? REACH.control : undefined;
}
