import type { Log } from "../../terminal/log.ts";
import type { AuditTrail } from "../audit/audit.ts";
import { callerText, type TokenHolder } from "../control/caller.ts";
import { NO_ACCOUNT } from "../accounts.ts";
import { whoOf } from "../audit/operator_calls.ts";

/** Says in both logs who signed in to the page, and from where a token came that is none. */
export function noteLogin(
  trail: AuditTrail,
  log: Log,
): (peer: string, holder: TokenHolder | undefined) => void {
  const action = "page.login";
  return (peer, holder) => {
    if (!holder) {
      trail.note({
        ...{ who: {}, action, subject: {}, from: peer },
        ...{ outcome: "refused", reason: "the token is not valid" },
      });
      log.warning("page.refused", `Refused a wrong token of ${peer}.`, { peer });
      return;
    }
    const caller = { account: NO_ACCOUNT, peer, holder };
    const subject = { detail: holder.role };
    trail.note({ who: whoOf(caller), action, subject, from: peer, outcome: "done" });
    const text = `${callerText(caller)} signed in to the page as ${holder.role}.`;
    log.info(action, text, { tokenId: holder.tokenId, role: holder.role, peer });
  };
}
