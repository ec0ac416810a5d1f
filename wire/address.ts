/**
 * `HOST:PORT` addresses, as Flower's flags take them.
 *
 * @module
 */

import { isIPv6 } from "node:net";

/** Where a server listens or a client connects. `host` has no brackets around an IPv6 address. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `HOST:PORT`, `[IPv6]:PORT` or `IPv6:PORT` with a port from 0 (any free one) to 65535.
 * Gives `undefined` for anything else; Flower reports that as exit code 600.
 */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([^\s[\]]+)\]|([^\s/@[\]]+)):(\d{1,5})$/.exec(text.trim());
  if (!match) return undefined;
  const [, bracketed, bare, digits] = match;
  const host = bracketed ?? bare ?? "";
  const port = Number(digits);
  const mustBeIpv6 = bracketed !== undefined || host.includes(":");
  if (mustBeIpv6 && !isIPv6(host) || port > 65_535) return undefined;
  return { host, port };
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether only this machine can reach a listener on `host`. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Whether `host` is an IP address rather than a name. */
export function isIpAddress(host: string): boolean {
  return host.includes(":") || /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}

/**
 * The address at which a process on this machine reaches a listener: the wildcard addresses become
 * loopback, as Flower does before it hands an address to the processes that it starts.
 */
export function reachableAddress({ host, port }: Address): Address {
  if (host === "0.0.0.0") return { host: "127.0.0.1", port };
  if (host === "::") return { host: "::1", port };
  return { host, port };
}
