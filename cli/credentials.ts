/**
 * The token that the CLI sends: the one in the environment, else the one that the connection names,
 * else that of the login at this address. It never travels where the network could read it.
 *
 * @module
 */

import type { SuperLinkConnection } from "../config/connection.ts";
import { readLogin, type StoredLogin, writeLogin } from "../config/stored_logins.ts";
import { ExitError } from "../terminal/errors.ts";
import { flwrHome } from "../terminal/flwr_home.ts";
import { TOKEN_VARIABLES } from "../terminal/token_variables.ts";
import { isLoopback } from "../wire/address.ts";

/** A token, and how to come by the next when it does not hold any more. */
export interface Credentials {
  readonly token: string;
  /** Of a login. */
  readonly refreshToken?: string;
}

/** What to send to a SuperLink, if anything. */
export async function credentialsFor(
  connection: SuperLinkConnection,
): Promise<Credentials | undefined> {
  if (!isPrivate(connection)) return undefined;
  for (const name of TOKEN_VARIABLES) {
    const token = Deno.env.get(name);
    if (token) return { token: sendable(token, name) };
  }
  const { tokenFile } = connection;
  if (tokenFile !== undefined) return { token: await tokenIn(tokenFile) };
  const login = await readLogin(flwrHome(), connection.address);
  return login && { token: login.accessToken, refreshToken: login.refreshToken };
}

/** Whether what is sent there can be read at the two ends only. */
export function isPrivate({ address, security }: SuperLinkConnection): boolean {
  return !security.insecure || isLoopback(address.host);
}

/** Keeps the tokens of a login. */
export async function keepLogin(
  { address }: SuperLinkConnection,
  login: StoredLogin | undefined,
): Promise<void> {
  await writeLogin(flwrHome(), address, login);
}

async function tokenIn(file: string): Promise<string> {
  try {
    return sendable((await Deno.readTextFile(file)).trim(), `"${file}"`);
  } catch (cause) {
    if (cause instanceof ExitError) throw cause;
    throw new ExitError(`The token in "${file}" cannot be read.`, {
      cause,
      remedy: "Check `token-file` of the connection, and that this user may read the file.",
    });
  }
}

/** What else is in a header would be an error that quotes it. */
function sendable(token: string, place: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new ExitError(`What ${place} has is no token.`, {
    remedy: "A token is ASCII without spaces, as `trellis token create` prints it.",
  });
}
