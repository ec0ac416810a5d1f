/**
 * How channels make their connections, where grpc-js's own ways fall short.
 *
 * With TLS, a target may be an IP address, which every Flower guide uses. grpc-js asks for the
 * address as TLS server name, and Deno refuses that; RFC 6066 section 3 allows names only. Here an
 * address is verified against the certificate's IP entries instead.
 *
 * With and without TLS, a channel that was closed connects no more. grpc-js tries once again when
 * its back-off is over, and would keep that connection for as long as the server likes.
 *
 * @module
 */

import * as grpc from "@grpc/grpc-js";
import * as tls from "node:tls";
import { isIpAddress } from "../address.ts";

type SecureConnector = ReturnType<grpc.ChannelCredentials["_createSecureConnector"]>;
type Connect = SecureConnector["connect"];

/** TLS towards `host`, trusting `rootCertificatesPem`, or the system's roots without one. */
export function tlsCredentials(
  host: string,
  rootCertificatesPem?: string,
): grpc.ChannelCredentials {
  return new TlsCredentials(host, rootCertificatesPem);
}

/** No TLS. */
export function plainCredentials(): grpc.ChannelCredentials {
  return new PlainCredentials();
}

abstract class Credentials extends grpc.ChannelCredentials {
  override _equals(other: grpc.ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(
    _target: Parameters<grpc.ChannelCredentials["_createSecureConnector"]>[0],
    _options: grpc.ChannelOptions,
    callCredentials?: grpc.CallCredentials,
  ): SecureConnector {
    let closed = false;
    return {
      connect: (socket) => this.secure(socket),
      waitForReady: () =>
        closed ? Promise.reject(new Error("The channel was closed.")) : Promise.resolve(),
      getCallCredentials: () => callCredentials ?? grpc.CallCredentials.createEmpty(),
      destroy: () => closed = true,
    };
  }

  /** Makes of a TCP connection what HTTP/2 is spoken on. */
  protected abstract secure(socket: Parameters<Connect>[0]): ReturnType<Connect>;
}

class PlainCredentials extends Credentials {
  override _isSecure(): boolean {
    return false;
  }

  protected override secure(socket: Parameters<Connect>[0]): ReturnType<Connect> {
    return Promise.resolve({ socket, secure: false });
  }
}

class TlsCredentials extends Credentials {
  readonly #host: string;
  readonly #rootCertificatesPem: string | undefined;

  constructor(host: string, rootCertificatesPem: string | undefined) {
    super();
    this.#host = host;
    this.#rootCertificatesPem = rootCertificatesPem;
  }

  override _isSecure(): boolean {
    return true;
  }

  protected override secure(socket: Parameters<Connect>[0]): ReturnType<Connect> {
    const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<Connect>>>();
    const secured = tls.connect({
      socket,
      host: this.#host,
      ALPNProtocols: ["h2"],
      ...(isIpAddress(this.#host) ? {} : { servername: this.#host }),
      ...(this.#rootCertificatesPem === undefined ? {} : { ca: this.#rootCertificatesPem }),
    }, () => {
      if (secured.authorized) resolve({ socket: secured, secure: true });
      else reject(secured.authorizationError ?? new Error("The certificate is not trusted."));
    });
    secured.once("error", reject);
    return promise;
  }
}
