/**
 * The tokens of logins, by the address of the SuperLink: `$FLWR_HOME/trellis-logins.json`, which only
 * its user may read.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { ExitError } from "../terminal/errors.ts";
import { type Address, formatAddress } from "../wire/address.ts";

/** What a login gave. */
export interface StoredLogin {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** The file, in Flower's home. */
export function loginsFile(home: string): string {
  return join(home, "trellis-logins.json");
}

/** The login at an address, if there is one. */
export async function readLogin(home: string, address: Address): Promise<StoredLogin | undefined> {
  return (await readAll(home)).get(formatAddress(address));
}

/** Keeps a login in place of the one before, or forgets that when there is none. */
export async function writeLogin(
  home: string,
  address: Address,
  login: StoredLogin | undefined,
): Promise<void> {
  const logins = await readAll(home);
  if (login) logins.set(formatAddress(address), login);
  else logins.delete(formatAddress(address));
  const file = loginsFile(home);
  const content = Object.fromEntries(
    Array.from(logins, ([key, { accessToken, refreshToken }]) => [key, {
      "access-token": accessToken,
      "refresh-token": refreshToken,
    }]),
  );
  try {
    await Deno.mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const written = await Deno.makeTempFile({ dir: dirname(file), prefix: ".trellis-logins-" });
    await Deno.writeTextFile(written, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
    await Deno.rename(written, file);
  } catch (cause) {
    throw new ExitError(`The login cannot be kept in "${file}".`, {
      cause,
      remedy: "Check that its folder can be written to, or set FLWR_HOME to another.",
    });
  }
}

async function readAll(home: string): Promise<Map<string, StoredLogin>> {
  const file = loginsFile(home);
  let text: string;
  try {
    text = await Deno.readTextFile(file);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return new Map();
    throw new ExitError(`The logins in "${file}" cannot be read.`, { cause });
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new ExitError(`The file "${file}" is not valid JSON.`, {
      remedy: "Delete it and log in again.",
    });
  }
  const logins = new Map<string, StoredLogin>();
  for (const [address, entry] of Object.entries(Object(parsed))) {
    const accessToken: unknown = Reflect.get(Object(entry), "access-token");
    const refreshToken: unknown = Reflect.get(Object(entry), "refresh-token");
    if (typeof accessToken !== "string" || typeof refreshToken !== "string") continue;
    logins.set(address, { accessToken, refreshToken });
  }
  return logins;
}
