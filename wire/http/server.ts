/**
 * Listens for HTTP requests with `Deno.serve`.
 *
 * @module
 */

import { type Address, formatAddress } from "../address.ts";
import { ListenError } from "../listen_error.ts";
import type { ServerTls } from "../tls.ts";
import { errorResponse } from "./errors.ts";
import type { HttpHandler } from "./handler.ts";

/** One listening HTTP server. */
export class HttpServer {
  readonly #handler: HttpHandler;
  readonly #tls: ServerTls | undefined;
  readonly #cutOff = new AbortController();
  /** The requests that are not answered to the last byte. */
  readonly #underWay = new Set<Promise<void>>();
  #draining = false;
  #server: Deno.HttpServer | undefined;

  /** `tls` makes it HTTPS. */
  constructor(handler: HttpHandler, tls: ServerTls | undefined) {
    this.#handler = handler;
    this.#tls = tls;
  }

  /**
   * Listens on `address` and gives the address really used (port 0 takes a free port).
   * Throws {@linkcode ListenError} when the port is taken or the host is not this machine's.
   */
  listen(address: Address): Address {
    const tls = this.#tls && { cert: this.#tls.certificatePem, key: this.#tls.keyPem };
    try {
      const server = Deno.serve(
        {
          hostname: address.host,
          port: address.port,
          signal: this.#cutOff.signal,
          onListen: () => {},
          ...tls,
        },
        (request, info) => this.#answer(request, info),
      );
      this.#server = server;
      return { host: address.host, port: server.addr.port };
    } catch (cause) {
      throw new ListenError(`Cannot listen on ${formatAddress(address)}.`, { cause });
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
    clearTimeout(timer);
    this.#cutOff.abort();
    await this.#server?.finished;
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

/** `address:port` of a peer, or `unknown`. */
export function peerOf(address: Deno.Addr): string {
  if (address.transport !== "tcp") return "unknown";
  return formatAddress({ host: address.hostname, port: address.port });
}
