/**
 * How HTTP clients connect, by the same rules as gRPC channels: given root certificates replace the
 * system's rather than add to them (`fetch` can only add), and an IP address is verified against the
 * certificate's IP entries without being asked for as a server name.
 *
 * @module
 */

import * as net from "node:net";
import * as tls from "node:tls";
import { type Address, isIpAddress } from "../address.ts";
import type { ClientSecurity } from "../grpc/client.ts";

/** Told of a connection that is ready, or why there is none. */
export type Connected = (
  ...result: [error: null, socket: net.Socket | tls.TLSSocket] | [error: Error, socket: null]
) => void;

/** Makes a connection that is ready for HTTP/1.1, within `timeoutMs`. */
export function connectHttp(
  { host, port }: Address,
  security: ClientSecurity,
  timeoutMs: number,
  connected: Connected,
): void {
  const socket = security.insecure ? net.connect({ host, port }, ready) : tls.connect({
    host,
    port,
    ALPNProtocols: ["http/1.1"],
    ...(isIpAddress(host) ? {} : { servername: host }),
    ...(security.rootCertificatesPem === undefined ? {} : { ca: security.rootCertificatesPem }),
  }, ready);
  const timer = setTimeout(() => socket.destroy(new Error("The connection timed out.")), timeoutMs);
  socket.once("error", fail);

  function ready() {
    clearTimeout(timer);
    socket.off("error", fail);
    socket.setNoDelay(true);
    connected(null, socket);
  }

  function fail(error: Error) {
    clearTimeout(timer);
    connected(error, null);
  }
}
