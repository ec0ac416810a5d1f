/**
 * Which of Flower's two transports a SuperLink offers: gRPC (Fleet up to 1.39, Control up to 1.36) or
 * protobuf over HTTP (from 1.40 and 1.37 on).
 *
 * @module
 */

import type { Address } from "./address.ts";
import type { ClientSecurity } from "./grpc/client.ts";
import { probeHealth, probePlaintext, probeTls } from "./probe.ts";

/** How Flower's messages travel. */
export type Transport = "grpc" | "http";

/** What a person asks for: one of them, or whichever is offered. */
export type TransportChoice = Transport | "auto";

/**
 * Looks which transport is offered at an address, each of two looks within `timeoutMs`. `undefined`
 * when that cannot be told now: nothing answers, or only that it cannot serve.
 *
 * `/health` comes first, because what serves HTTP/1.1 may speak HTTP/2 as well, and no gRPC. A gRPC
 * server drops a connection that does not begin with HTTP/2, at once.
 */
export async function offeredTransport(
  address: Address,
  security: ClientSecurity,
  timeoutMs = 3_000,
): Promise<Transport | undefined> {
  const health = await probeHealth(address, security, timeoutMs);
  if (health !== undefined && health < 300) return "http";
  // A proxy may be there before its SuperLink, and a SuperLink still there while it stops.
  if (health !== undefined && health >= 500) return undefined;
  if (await speaksHttp2(address, security, timeoutMs)) return "grpc";
  // The answers to calls will tell what it is instead.
  return health === undefined ? undefined : "http";
}

async function speaksHttp2(
  address: Address,
  security: ClientSecurity,
  timeoutMs: number,
): Promise<boolean> {
  if (security.insecure) return await probePlaintext(address, timeoutMs) === "http2";
  const answer = await probeTls(address, security.rootCertificatesPem, timeoutMs);
  return answer?.speaksHttp2 ?? false;
}
