import type { IncomingCall } from "../../wire/service.ts";
import { type Account, NO_ACCOUNT } from "../accounts.ts";

/** Who calls the Control API. */
export interface ControlCaller {
  readonly account: Account;
  readonly peer: string;
}

/** The caller of a call: the open Flower has no accounts. */
export function controlCaller({ peer }: IncomingCall): ControlCaller {
  return { account: NO_ACCOUNT, peer };
}
