import { type Address, formatAddress, isLoopback } from "../../wire/address.ts";

/** Where the page for operators is. */
export interface PagePlace {
  readonly address: Address;
  readonly tls: boolean;
}

/**
 * How a person is told to have the login with a code approved: on the page, where it can be reached
 * from elsewhere, and by a command where not. An admin finds the login on the page in any case.
 */
export function loginPage(userCode: string, page: PagePlace | undefined): string {
  if (!page || isLoopback(page.address.host)) return `trellis login approve ${userCode}`;
  const { host, port } = page.address;
  const name = host === "0.0.0.0" || host === "::" ? Deno.hostname() : host;
  const place = formatAddress({ host: name, port });
  return `${page.tls ? "https" : "http"}://${place}/?login=${userCode}#/access`;
}
