/**
 * Who may open the page: whoever reaches it where only this machine does, and who knows a token
 * everywhere else, or where the operator closed the Control API for this machine, too: on the page
 * anybody could make themselves a token for it.
 *
 * @module
 */

import { encodeBase64Url } from "@std/encoding";
import { ExitError } from "../../terminal/errors.ts";
import { readGivenFile } from "../../terminal/read_given_file.ts";
import { type Address, formatAddress, isLoopback } from "../../wire/address.ts";
import type { ControlRule } from "../control/access.ts";
import type { DashboardOptions } from "./flags.ts";

/** Anybody who reaches it, who has a token of the Control API, or who knows the page's own, too. */
export type PageAccess =
  | { readonly kind: "anybody" }
  | { readonly kind: "api-tokens" }
  | { readonly kind: "token"; readonly token: string; readonly generated: boolean };

const TOKEN_BYTES = 32;
/** Less can be guessed. */
const MIN_TOKEN_CHARACTERS = 16;

/**
 * Reads or makes the token that a page asks for, if it does. `canTell` says that a person reads what
 * is printed. Throws an {@linkcode ExitError} when there is no good token and nobody to show one to.
 */
export async function pageAccess(
  { address, tokenFile }: DashboardOptions,
  rule: ControlRule,
  canTell: boolean,
): Promise<PageAccess> {
  if (tokenFile !== undefined) {
    return { kind: "token", token: await readToken(tokenFile), generated: false };
  }
  if (isLoopback(address.host)) {
    const asks = rule.kind === "tokens" && rule.onThisMachine;
    return { kind: asks ? "api-tokens" : "anybody" };
  }
  if (!canTell) {
    throw new ExitError("The page listens beyond this machine, and nobody would see its token.", {
      remedy: "Give --dashboard-token-file, or --dashboard-address none.",
    });
  }
  const random = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
  return { kind: "token", token: encodeBase64Url(random), generated: true };
}

/** Where a person opens the page. What follows `#` stays in the browser. */
export function loginLink(address: Address, tls: boolean, token: string): string {
  const host = address.host === "0.0.0.0" || address.host === "::" ? Deno.hostname() : address.host;
  const at = formatAddress({ host, port: address.port });
  return `${tls ? "https" : "http"}://${at}/#token=${encodeURIComponent(token)}`;
}

async function readToken(file: string): Promise<string> {
  const text = new TextDecoder().decode(await readGivenFile("token file", file));
  const token = text.trim();
  if (token.length >= MIN_TOKEN_CHARACTERS && /^[\x21-\x7e]+$/.test(token)) return token;
  throw new ExitError(
    `The token in "${file}" is not ${MIN_TOKEN_CHARACTERS} or more printable characters.`,
    { remedy: `Make one, for example with: openssl rand -hex 32 > "${file}"` },
  );
}
