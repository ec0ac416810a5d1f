import type { ControlCaller } from "../control/caller.ts";
import { hostOf } from "../auth/peer_limit.ts";
import { Seldom } from "../seldom.ts";
import type { AuditTrail } from "./audit.ts";

/** How often the same token from the same host has a line, in milliseconds. */
const PERIOD_MS = 3_600_000;

/** Notes that a token is used: once an hour for each host that it comes from. */
export class TokenUses {
  readonly #trail: AuditTrail;
  readonly #noted = new Seldom<string>(PERIOD_MS);

  constructor(trail: AuditTrail) {
    this.#trail = trail;
  }

  /** A call was admitted. */
  used({ holder, peer }: ControlCaller): void {
    if (!holder) return;
    const use = `${holder.tokenId} ${hostOf(peer)}`;
    if (!this.#noted.isDue(use, performance.now())) return;
    const { tokenId, name: tokenName } = holder;
    const who = { tokenId, tokenName };
    this.#trail.note({
      ...{ who, action: "token.use", subject: { tokenId }, from: peer, outcome: "done" },
    });
  }
}
