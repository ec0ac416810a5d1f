/**
 * How the CLI logs in to a SuperLink: as Flower's does, over the same calls.
 *
 * @module
 */

import { delay } from "@std/async";
import type { SuperLinkConnection } from "../config/connection.ts";
import { Control } from "../proto/gen/flwr/proto/control_pb.ts";
import { Access } from "../proto/gen/trellis/v1/access_pb.ts";
import { ExitError } from "../terminal/errors.ts";
import { StatusError, type StatusName } from "../wire/status.ts";
import type { CallChannel } from "./authorized_channel.ts";
import type { OpenControl } from "./control.ts";
import { CALL_TIMEOUT_MS } from "./control_client.ts";
import { type Credentials, isPrivate, keepLogin } from "./credentials.ts";

/** The login has ended, or the SuperLink is not the one that it was made at. */
const OVER: ReadonlySet<StatusName> = new Set(["UNAUTHENTICATED", "UNIMPLEMENTED"]);
const OPTIONS = { timeoutMs: CALL_TIMEOUT_MS } as const;

/** Logs in and keeps what that gives; `ask` tells the person what to do for it. */
export async function logIn(
  connection: SuperLinkConnection,
  control: OpenControl,
  ask: (line: string) => void,
): Promise<void> {
  if (!isPrivate(connection)) {
    throw new ExitError("A login needs TLS: the network could read the token.", {
      remedy: "Remove `insecure = true` from the connection, and set `root-certificates`.",
    });
  }
  const { getLoginDetails, getAuthTokens } = Control.method;
  const details = await control.call(getLoginDetails, {});
  if (details.authnType === "noop") {
    throw new ExitError("This SuperLink asks nobody who they are: there is nothing to log in to.");
  }
  if (details.authnType !== "oidc") {
    throw new ExitError(`This SuperLink has a login that is not known: "${details.authnType}".`);
  }
  const { deviceCode, verificationUriComplete: where } = details;
  ask(
    /^https?:/.test(where)
      ? `Log in here, or send this to an admin of the SuperLink:\n  ${where}`
      : `Ask an admin of the SuperLink to run:\n  ${where}`,
  );
  const deadline = Date.now() + Number(details.expiresIn) * 1000;
  while (Date.now() < deadline) {
    const { accessToken, refreshToken } = await control.call(getAuthTokens, { deviceCode });
    if (accessToken !== "" && refreshToken !== "") {
      await keepLogin(connection, { accessToken, refreshToken });
      return;
    }
    await delay(Number(details.interval) * 1000);
  }
  throw new ExitError("Nobody approved the login in time.", { remedy: "Log in once more." });
}

/** New tokens of a login, which are kept; `undefined` where it has ended. */
export async function renewedLogin(
  connection: SuperLinkConnection,
  channel: CallChannel,
  refreshToken: string,
): Promise<Credentials | undefined> {
  try {
    const renewed = await channel.unary(Access.method.refreshLogin, { refreshToken }, OPTIONS);
    const { accessToken, refreshToken: next } = renewed;
    await keepLogin(connection, { accessToken, refreshToken: next });
    return { token: accessToken, refreshToken: next };
  } catch (error) {
    // The call that needed it says what is wrong.
    const isOver = error instanceof StatusError && OVER.has(error.status);
    if (isOver) return undefined;
    throw error;
  }
}
