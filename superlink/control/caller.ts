import type { IncomingCall } from "../../wire/service.ts";
import { type Account, NO_ACCOUNT } from "../accounts.ts";
import { type ControlAccess, requireAccess } from "./access.ts";

/** Who calls the Control API. */
export interface ControlCaller {
  readonly account: Account;
  readonly peer: string;
}

/** The caller of a call that may be made: the open Flower has no accounts. */
export function controlCaller(call: IncomingCall, access: ControlAccess): ControlCaller {
  requireAccess(call, access);
  return { account: NO_ACCOUNT, peer: call.peer };
}
