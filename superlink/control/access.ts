/**
 * Who may call the Control API and what is beside it. This is the one rule, for a SuperLink with
 * flags and for one on Deno Deploy:
 *
 * - Where only this machine reaches it, whoever does may: the open Flower's rule, under which stock
 *   `flwr` needs no setting.
 * - Where others reach it, on any port, callers need a token: an API token, a login, or the one that
 *   the operator put into the environment. That holds on all ports then, loopback too, because what
 *   comes from there may have come through a proxy.
 * - `open-to-anybody` lifts that, and has to be said in so many words.
 *
 * @module
 */

import { type Address, isLoopback } from "../../wire/address.ts";
import type { IncomingCall } from "../../wire/service.ts";
import type { ControlCaller } from "./caller.ts";

/** What is asked of callers. */
export type ControlRule =
  /** Nothing. */
  | { readonly kind: "anybody" }
  /** There is no way in. */
  | { readonly kind: "nobody" }
  /**
   * A token. `operatorToken` is one with every right that is not kept in the database. `onThisMachine`
   * says that the operator asked for it where only this machine reaches the API, too.
   */
  | {
    readonly kind: "tokens";
    readonly operatorToken?: string | undefined;
    readonly onThisMachine?: true;
  };

/** How callers are judged, on the headers of their call. */
export interface ControlAccess {
  /**
   * Throws `UNAUTHENTICATED` or `PERMISSION_DENIED` when the call may not be made, and
   * `RESOURCE_EXHAUSTED` when too many could not.
   */
  admit(call: IncomingCall): Promise<ControlCaller>;
}

/** What an operator says of it. */
export const CONTROL_ACCESS_CHOICES = ["by-address", "tokens", "open-to-anybody"] as const;

/** One of {@linkcode CONTROL_ACCESS_CHOICES}. */
export type ControlAccessChoice = typeof CONTROL_ACCESS_CHOICES[number];

/** Where the Control API is served, and what was said of it. */
export interface ControlExposure {
  readonly choice: ControlAccessChoice;
  /** Every address that it is served on. */
  readonly addresses: readonly Address[];
  /** A proxy on this machine brings callers from elsewhere. */
  readonly behindProxy: boolean;
  readonly operatorToken: string | undefined;
}

/** The rule for a SuperLink with flags. */
export function controlRule(
  { choice, addresses, behindProxy, operatorToken }: ControlExposure,
): ControlRule {
  const local = addresses.every(({ host }) => isLoopback(host)) && !behindProxy;
  const asks = choice === "tokens" || operatorToken !== undefined;
  if (choice === "open-to-anybody" || local && !asks) return { kind: "anybody" };
  return {
    kind: "tokens",
    ...(operatorToken === undefined ? {} : { operatorToken }),
    ...(asks ? { onThisMachine: true } : {}),
  };
}
