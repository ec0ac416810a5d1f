import * as grpc from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import type { ServerTls } from "../tls.ts";

/** The credentials of a server whose certificate can be changed while it listens. */
export class TlsCredentials extends grpc.ServerCredentials {
  constructor(tls: ServerTls) {
    super({ requestCert: false }, contextOf(tls));
  }

  /** Connections from now on see this certificate; those that are open stay as they are. */
  change(tls: ServerTls): void {
    this.updateSecureContextOptions(contextOf(tls));
  }

  override _equals(other: grpc.ServerCredentials): boolean {
    return this === other;
  }
}

function contextOf({ caPem, certificatePem, keyPem }: ServerTls) {
  // Without a CA of its own, grpc-js would send all that its environment names.
  return {
    ca: Buffer.from(caPem),
    cert: [Buffer.from(certificatePem)],
    key: [Buffer.from(keyPem)],
  };
}
