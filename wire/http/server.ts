/**
 * Listens for HTTP requests with `Deno.serve`.
 *
 * @module
 */

import { type Address, formatAddress } from "../address.ts";
import { ListenError } from "../listen_error.ts";
import type { ServerTls } from "../tls.ts";
import type { HttpHandler } from "./handler.ts";

/** One listening HTTP server. */
export class HttpServer {
  readonly #handler: HttpHandler;
  readonly #tls: ServerTls | undefined;
  readonly #cutOff = new AbortController();
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
        (request, { remoteAddr }) => this.#handler(request, peerOf(remoteAddr)),
      );
      this.#server = server;
      return { host: address.host, port: server.addr.port };
    } catch (cause) {
      throw new ListenError(`Cannot listen on ${formatAddress(address)}.`, { cause });
    }
  }

  /** Takes no new requests and waits for those under way, up to `graceMs`; then cuts them off. */
  async drain(graceMs: number): Promise<void> {
    const timer = setTimeout(() => this.#cutOff.abort(), graceMs);
    await this.#server?.shutdown();
    clearTimeout(timer);
  }
}

function peerOf(address: Deno.Addr): string {
  if (address.transport !== "tcp") return "unknown";
  return formatAddress({ host: address.hostname, port: address.port });
}
