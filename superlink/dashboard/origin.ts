/**
 * Whether a request comes from the page itself. Any site that a browser shows may send requests to
 * this machine, and a name of the site's own may be made to lead here (DNS rebinding).
 *
 * @module
 */

import { isLoopback } from "../../wire/address.ts";

/** Names of this machine: a page that asks for no token answers to no others. */
export function isLocalName(request: Request): boolean {
  const host = request.headers.get("host") ?? new URL(request.url).host;
  const name = host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return isLoopback(name.toLowerCase());
}

/**
 * Whether a request that changes something was made by the page: it says so itself, which a browser
 * lets no other site do, and it is JSON, which no form can send.
 */
export function isOwnRequest({ headers, url }: Request): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null && site !== "same-origin") return false;
  const type = headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  const origin = headers.get("origin");
  if (type !== "application/json" || origin === null || !URL.canParse(origin)) return false;
  // A proxy may have ended TLS, so schemes may differ.
  return new URL(origin).host === (headers.get("host") ?? new URL(url).host);
}
