/**
 * Listens for HTTP requests with `Deno.serve`.
 *
 * @module
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import { delay } from "@std/async";
import { type Address, formatAddress } from "../address.ts";
import { ListenError } from "../listen_error.ts";
import type { ServerTls } from "../tls.ts";
import { errorResponse, UNREADABLE_HOST } from "./errors.ts";
import type { HttpHandler } from "./handler.ts";

interface Listening {
  readonly server: Deno.HttpServer<Deno.NetAddr>;
  readonly cutOff: AbortController;
}

/**
 * A port that was given up is free again after two turns of the event loop, most often: so many are
 * tried before it is looked at now and then, in milliseconds, and so often at most.
 */
const QUICK_ATTEMPTS = 100;
const LISTEN_PAUSE_MS = 20;
const LISTEN_ATTEMPTS = 350;
/** Until a process has room for connections again that had none. */
const ROOM_PAUSE_MS = 200;

/** One listening HTTP server. */
export class HttpServer {
  readonly #handler: HttpHandler;
  #tls: ServerTls | undefined;
  /** The requests that are not answered to the last byte. */
  readonly #underWay = new Set<Promise<void>>();
  #draining = false;
  /** Absent while another certificate is being put to use. */
  #listening: Listening | undefined;
  /** Where it listens, once it does. */
  #address: Address | undefined;
  /** Those in whose place others listen, until their last request is answered. */
  readonly #replaced = new Map<Listening, Promise<void>>();
  readonly #onLost: (cause: unknown) => void;

  /** `tls` makes it HTTPS; `onLost` is told when the port was lost and is taken again. */
  constructor(
    handler: HttpHandler,
    tls: ServerTls | undefined,
    onLost: (cause: unknown) => void = () => {},
  ) {
    this.#handler = handler;
    this.#tls = tls;
    this.#onLost = onLost;
  }

  /**
   * Listens on `address` and gives the address really used (port 0 takes a free port).
   * Throws {@linkcode ListenError} when the port is taken or the host is not this machine's.
   */
  listen(address: Address): Address {
    const tls = this.#tls && { cert: this.#tls.certificatePem, key: this.#tls.keyPem };
    const cutOff = new AbortController();
    try {
      const server = Deno.serve(
        {
          hostname: address.host,
          port: address.port,
          signal: cutOff.signal,
          onListen: () => {},
          onError: failed,
          ...tls,
        },
        (request, info) => this.#answer(request, info),
      );
      this.#listening = { server, cutOff };
      void this.#keep(this.#listening);
      this.#address = { host: address.host, port: server.addr.port };
      return this.#address;
    } catch (cause) {
      throw new ListenError(address, cause);
    }
  }

  /**
   * New connections see this certificate, where the server has one at all: the port is given up and
   * taken again at once, about a millisecond later. Requests under way are answered on their
   * connections.
   *
   * `Deno.serve` cannot change a certificate. Two servers at once by `reusePort` would refuse nobody,
   * but reset whom the first has not accepted yet, and let another program in on the port.
   */
  async changeTls(tls: ServerTls): Promise<void> {
    if (!this.#tls || !this.#address || this.#draining) return;
    this.#tls = tls;
    const listening = this.#listening;
    this.#listening = undefined;
    if (listening) this.#letEnd(listening);
    for (let attempt = 1; !this.#listening; attempt++) {
      try {
        this.listen(this.#address);
        return;
      } catch (error) {
        if (!(error instanceof ListenError) || attempt === LISTEN_ATTEMPTS) throw error;
      }
      await (attempt < QUICK_ATTEMPTS ? nextTurn() : delay(LISTEN_PAUSE_MS));
    }
  }

  /**
   * Answers new requests with 503, waits for those under way, up to `graceMs`, and closes all
   * connections. (`Deno.HttpServer.shutdown` would wait for ever, and cannot be cut short.)
   */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, graceMs);
    await Promise.race([Promise.all(this.#underWay), late.promise]);
    this.#listening?.cutOff.abort();
    for (const { cutOff } of this.#replaced.keys()) cutOff.abort();
    await this.#listening?.server.finished.catch(() => {});
    await Promise.race([Promise.all(this.#replaced.values()), late.promise]);
    clearTimeout(timer);
  }

  /**
   * `Deno.serve` gives its port up when the process is out of file descriptors, and every peer can see
   * to that: the port is taken again. Requests under way are answered on their connections.
   */
  async #keep(listening: Listening): Promise<void> {
    try {
      return await listening.server.finished;
    } catch (cause) {
      if (this.#listening !== listening || !this.#address) return;
      this.#onLost(cause);
    }
    this.#listening = undefined;
    this.#letEnd(listening);
    for (;;) {
      await delay(ROOM_PAUSE_MS);
      if (this.#draining || this.#listening) return;
      try {
        this.listen(this.#address);
      } catch (error) {
        if (!(error instanceof ListenError)) throw error;
      }
    }
  }

  #letEnd(listening: Listening): void {
    const ended = listening.server.shutdown().catch(() => {})
      .finally(() => this.#replaced.delete(listening));
    this.#replaced.set(listening, ended);
  }

  async #answer(
    request: Request,
    { remoteAddr, completed }: Deno.ServeHandlerInfo,
  ): Promise<Response> {
    if (this.#draining) return errorResponse({ status: 503, detail: "The server is stopping." });
    const done = completed.catch(() => {}).then(() => void this.#underWay.delete(done));
    this.#underWay.add(done);
    return await this.#handler(request, peerOf(remoteAddr));
  }
}

/**
 * What is answered when Deno itself cannot read a request: with OpenTelemetry on it does so before the
 * handler, and would print a stack for each.
 */
function failed(error: unknown): Response {
  if (error instanceof TypeError && error.message.startsWith("Invalid URL")) {
    return errorResponse(UNREADABLE_HOST);
  }
  console.error(error);
  return errorResponse({ status: 500, detail: "Internal server error." });
}

/** `address:port` of a peer, or `unknown`. */
export function peerOf(address: Deno.Addr): string {
  if (address.transport !== "tcp") return "unknown";
  return formatAddress({ host: address.hostname, port: address.port });
}
