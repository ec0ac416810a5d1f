import type { IncomingCall } from "../../wire/service.ts";
import type { Role } from "../access/roles.ts";
import type { Account } from "../accounts.ts";
import type { ControlAccess } from "./access.ts";

/** Who calls the Control API. */
export interface ControlCaller {
  /**
   * Whose the nodes and runs are. All tokens of a SuperLink are keys to one account, as the open
   * Flower has it, so that what one starts another can look at and stop.
   */
  readonly account: Account;
  readonly peer: string;
  /** The token that was sent, where one is asked for. */
  readonly holder?: TokenHolder;
}

/** Who came with a token. */
export interface TokenHolder {
  /** The grant's id, or `operator` for the token in the SuperLink's environment. */
  readonly tokenId: string;
  readonly name: string;
  readonly role: Role;
}

/** The caller of a call that may be made. */
export function controlCaller(call: IncomingCall, access: ControlAccess): Promise<ControlCaller> {
  return access.admit(call);
}

/** Who a caller is, as part of a sentence of the log. */
export function callerText({ peer, holder }: ControlCaller): string {
  return holder === undefined ? peer : `"${holder.name}" (${holder.tokenId}) at ${peer}`;
}
