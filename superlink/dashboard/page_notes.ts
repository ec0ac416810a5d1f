/**
 * What the page says in both logs of who came to it with a token.
 *
 * @module
 */

import type { Log } from "../../terminal/log.ts";
import { NO_ACCOUNT } from "../accounts.ts";
import type { AuditTrail } from "../audit/audit.ts";
import { whoOf } from "../audit/operator_calls.ts";
import { TokenUses } from "../audit/token_uses.ts";
import { callerText, type TokenHolder } from "../control/caller.ts";

/** Is told of tokens that came from a peer (`address:port`). */
export interface PageNotes {
  /** Somebody signed in. */
  signedIn(peer: string, holder: TokenHolder): void;
  /** A request had a token of its own, as a monitor's has. */
  used(peer: string, holder: TokenHolder): void;
  /** The token was none, at either. */
  refused(peer: string, at: "page.login" | "token.use"): void;
}

/** Writes it down. */
export function pageNotes(trail: AuditTrail, log: Log): PageNotes {
  const uses = new TokenUses(trail);
  return {
    signedIn(peer, holder) {
      const caller = { account: NO_ACCOUNT, peer, holder };
      const action = "page.login";
      const subject = { detail: holder.role };
      trail.note({ who: whoOf(caller), action, subject, from: peer, outcome: "done" });
      const text = `${callerText(caller)} signed in to the page as ${holder.role}.`;
      log.info(action, text, { tokenId: holder.tokenId, role: holder.role, peer });
    },

    used: (peer, holder) => uses.used({ account: NO_ACCOUNT, peer, holder }),

    refused(peer, action) {
      trail.note({
        ...{ who: {}, action, subject: {}, from: peer },
        ...{ outcome: "refused", reason: "the token is not valid" },
      });
      log.warning("page.refused", `Refused a wrong token of ${peer}.`, { peer });
    },
  };
}
