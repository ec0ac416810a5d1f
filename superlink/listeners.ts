/**
 * The ports that a SuperLink listens on: what is served there, who can reach it, and how it ends.
 *
 * @module
 */

import type { Log } from "../terminal/log.ts";
import { type Address, formatAddress, isLoopback } from "../wire/address.ts";
import { GrpcServer } from "../wire/grpc/server.ts";
import { type HttpBinding, type HttpHandler, httpHandler } from "../wire/http/handler.ts";
import { HttpServer } from "../wire/http/server.ts";
import type { LocalApi } from "../wire/local/local_api.ts";
import { LocalServer } from "../wire/local/server.ts";
import type { ObserveCall } from "../wire/observed_call.ts";
import type { Service } from "../wire/service.ts";
import { StatusError } from "../wire/status.ts";
import type { ServerTls } from "../wire/tls.ts";
import { Seldom } from "./seldom.ts";

/** A port and what its APIs allow. */
export interface Port {
  /** How the log names it, for example `Fleet API`. */
  readonly name: string;
  readonly address: Address;
  readonly tls?: ServerTls | undefined;
  /** What anybody can do who reaches it, where it asks for no credentials. */
  readonly open?: string | undefined;
}

/** A port that is lost again and again has a line in so long. */
const LOST_PERIOD_MS = 60_000;

interface Server {
  changeTls?(tls: ServerTls): void | Promise<void>;
  drain(graceMs: number): Promise<void>;
}

/** Opens ports and closes them all. */
export class Listeners {
  readonly #log: Log;
  readonly #isServing: () => boolean;
  readonly #onCall: ObserveCall | undefined;
  readonly #servers: Server[] = [];
  readonly #lost = new Seldom<string>(LOST_PERIOD_MS);

  /** `onCall` is told of every call of an API once it has ended. */
  constructor(log: Log, isServing: () => boolean, onCall?: ObserveCall) {
    this.#log = log;
    this.#isServing = isServing;
    this.#onCall = onCall;
  }

  /** Serves an API over gRPC, in one or more ways; gives the address really used. */
  async grpc(
    port: Port,
    services: readonly Service[],
    maxMessageBytes: number,
  ): Promise<Address> {
    const server = new GrpcServer({
      tls: port.tls,
      maxMessageBytes,
      onInternalError: (method, error) => this.#logInternalError(method, error),
      onCall: this.#onCall,
    });
    for (const service of services) server.add(service);
    return await this.#opened(port, server, () => server.listen(port.address));
  }

  /** Serves an API to the processes that this program starts. */
  local(services: readonly Service[], maxMessageBytes: number): LocalApi {
    const server = new LocalServer({
      maxMessageBytes,
      onInternalError: (method, error) => this.#logInternalError(method, error),
      onCall: this.#onCall,
    });
    for (const service of services) server.add(service);
    this.#servers.push(server);
    return server.listen();
  }

  /** Serves APIs over HTTP; gives the address really used. */
  async http(port: Port, bindings: readonly HttpBinding[]): Promise<Address> {
    const handler = httpHandler({
      bindings,
      isServing: this.#isServing,
      onInternalError: (method, error) => this.#logInternalError(method, error),
      onCall: this.#onCall,
    });
    return await this.web(port, handler);
  }

  /** Serves what is no API over HTTP; gives the address really used. */
  async web(port: Port, handler: HttpHandler): Promise<Address> {
    const server = new HttpServer(handler, port.tls, (cause) => this.#logLost(port, cause));
    return await this.#opened(port, server, () => server.listen(port.address));
  }

  /** Has all ports with TLS show another certificate to new connections. */
  async changeTls(tls: ServerTls): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.changeTls?.(tls)));
  }

  /** Takes no new calls and waits for those under way, up to `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.drain(graceMs)));
  }

  async #opened(
    port: Port,
    server: Server,
    listen: () => Address | Promise<Address>,
  ): Promise<Address> {
    const bound = await listen();
    this.#servers.push(server);
    this.#logListening(port, bound);
    return bound;
  }

  #logListening({ name, tls, open }: Port, address: Address): void {
    const text = formatAddress(address);
    const security = tls ? "TLS" : "no TLS";
    this.#log.info("superlink.listening", `Starting ${name} on ${text} (${security}).`, {
      api: name,
      address: text,
      tls: tls !== undefined,
    });
    if (open === undefined || isLoopback(address.host)) return;
    this.#log.warning(
      "superlink.open",
      `Whoever can reach ${text} can ${open}: nobody is asked for credentials there.`,
      { api: name, address: text },
    );
  }

  #logLost({ name }: Port, cause: unknown): void {
    if (!this.#lost.isDue(name, performance.now())) return;
    const why = cause instanceof Error ? cause.message : String(cause);
    this.#log.error(
      "superlink.port-lost",
      `The port of the ${name} was lost and is taken again: ${why}. Are there too many connections? ` +
        "The limit of open files (ulimit -n, LimitNOFILE) says how many there can be.",
      { api: name },
    );
  }

  #logInternalError(method: string, error: unknown): void {
    const cause = error instanceof StatusError && error.cause !== undefined ? error.cause : error;
    const text = cause instanceof Error ? cause.stack ?? cause.message : String(cause);
    this.#log.error("superlink.internal-error", `${method} failed: ${text}`, { method });
  }
}
