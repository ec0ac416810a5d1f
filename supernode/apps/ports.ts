/**
 * The ports on which a SuperNode serves its ClientApps.
 *
 * @module
 */

import type { Log } from "../../terminal/log.ts";
import { type Address, formatAddress, isLoopback } from "../../wire/address.ts";
import { GrpcServer } from "../../wire/grpc/server.ts";
import { httpHandler } from "../../wire/http/handler.ts";
import { HttpServer } from "../../wire/http/server.ts";
import type { LocalApi } from "../../wire/local/local_api.ts";
import { LocalServer } from "../../wire/local/server.ts";
import { SharedPort } from "../../wire/shared_port.ts";
import { StatusError } from "../../wire/status.ts";
import type { ServerTls } from "../../wire/tls.ts";
import type { ClientAppServices } from "./service.ts";

/** What the ports are opened with. */
export interface ClientAppPortsOptions {
  readonly services: ClientAppServices;
  /** Where gRPC is served; with the same port for both, connections are told apart. */
  readonly clientAppAddress: Address;
  /** Where HTTP is served. */
  readonly runtimeAddress: Address;
  readonly tls: ServerTls | undefined;
  /** The largest message that is read. */
  readonly maxMessageBytes: number;
  /** Whether tasks are only for those who know a secret. */
  readonly guarded: boolean;
  /** Whether this program starts processes that call them. */
  readonly startsApps: boolean;
  readonly log: Log;
}

/** Where ClientApps connect. */
export interface ClientAppAddresses {
  /** ClientAppIo over gRPC. */
  readonly apiAddress: Address;
  /** Runtime over HTTP. */
  readonly runtimeAddress: Address;
  /** ClientAppIo for apps in TypeScript that this program starts. */
  readonly localApi?: LocalApi;
}

interface Server {
  drain(graceMs: number): Promise<void>;
}

const FREE: Address = { host: "127.0.0.1", port: 0 };

/** The ports of one SuperNode. */
export class ClientAppPorts {
  readonly #options: ClientAppPortsOptions;
  readonly #servers: Server[] = [];

  constructor(options: ClientAppPortsOptions) {
    this.#options = options;
  }

  /** Opens them. Throws a `ListenError`; {@linkcode drain} then closes those that are open. */
  async open(): Promise<ClientAppAddresses> {
    const addresses = await this.#openPorts();
    return this.#options.startsApps ? { ...addresses, localApi: this.#listenLocal() } : addresses;
  }

  async #openPorts(): Promise<ClientAppAddresses> {
    const { clientAppAddress: grpc, runtimeAddress: http, tls, log } = this.#options;
    const shared = grpc.port !== 0 && grpc.port === http.port && grpc.host === http.host;
    if (!shared) {
      const apiAddress = await this.#listenGrpc(grpc);
      const runtimeAddress = this.#listenHttp(http);
      this.#say("ClientAppIo API", "supernode.clientappio", apiAddress);
      this.#say("Runtime API", "supernode.runtime", runtimeAddress);
      return { apiAddress, runtimeAddress };
    }
    if (tls) {
      // Their first bytes are those of TLS for both.
      const runtimeAddress = this.#listenHttp(http);
      this.#say("Runtime API", "supernode.runtime", runtimeAddress);
      log.warning(
        "supernode.no_clientappio",
        "ClientApps of Flower up to 1.34 cannot connect: with TLS they need a port of their own. " +
          "Give different ones with --clientappio-api-address and --port.",
      );
      return { apiAddress: runtimeAddress, runtimeAddress };
    }
    const port = new SharedPort({
      http2: await this.#listenGrpc(FREE),
      http1: this.#listenHttp(FREE),
    });
    const address = port.listen(grpc);
    this.#servers.push(port);
    this.#say("ClientAppIo and the Runtime API", "supernode.clientappio", address);
    return { apiAddress: address, runtimeAddress: address };
  }

  /** Takes no new calls and waits for those under way, up to `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.drain(graceMs)));
  }

  async #listenGrpc(address: Address): Promise<Address> {
    const { services, tls, maxMessageBytes } = this.#options;
    const server = new GrpcServer({ tls, maxMessageBytes, onInternalError: this.#logFailure });
    for (const service of services.grpc) server.add(service);
    const bound = await server.listen(address);
    this.#servers.push(server);
    return bound;
  }

  #listenLocal(): LocalApi {
    const { services, maxMessageBytes } = this.#options;
    const server = new LocalServer({ maxMessageBytes, onInternalError: this.#logFailure });
    for (const service of services.grpc) server.add(service);
    this.#servers.push(server);
    return server.listen();
  }

  #listenHttp(address: Address): Address {
    const { services, tls, maxMessageBytes } = this.#options;
    const bindings = [{ service: services.http, maxMessageBytes }];
    const handler = httpHandler({ bindings, onInternalError: this.#logFailure });
    const server = new HttpServer(handler, tls);
    const bound = server.listen(address);
    this.#servers.push(server);
    return bound;
  }

  #say(api: string, event: string, at: Address): void {
    const { tls, guarded, log } = this.#options;
    const address = formatAddress(at);
    log.info(event, `The ${api} is on ${address} (${tls ? "TLS" : "no TLS"}).`, { api, address });
    if (isLoopback(at.host) || tls && guarded) return;
    log.warning(
      "supernode.clientappio_open",
      `Whoever reaches the ${api} on ${address} can pose as a ClientApp. Keep it on loopback or in a ` +
        "network of its own, or give it --ssl-certfile and --superexec-auth-secret-file.",
      { api, address },
    );
  }

  readonly #logFailure = (method: string, error: unknown) => {
    const cause = error instanceof StatusError && error.cause !== undefined ? error.cause : error;
    const text = cause instanceof Error ? cause.stack ?? cause.message : String(cause);
    this.#options.log.error("supernode.internal_error", `${method} failed: ${text}`, { method });
  };
}
