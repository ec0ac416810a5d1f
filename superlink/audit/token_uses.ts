import type { ControlCaller } from "../control/caller.ts";
import { hostOf } from "../auth/peer_limit.ts";
import type { AuditTrail } from "./audit.ts";

/** How often the same token from the same host has a line, in milliseconds. */
const PERIOD_MS = 3_600_000;
/** Uses that are remembered. */
const LIMIT = 10_000;

/** Notes that a token is used: once an hour for each host that it comes from. */
export class TokenUses {
  readonly #trail: AuditTrail;
  readonly #notedAtMs = new Map<string, number>();

  constructor(trail: AuditTrail) {
    this.#trail = trail;
  }

  /** A call was admitted. */
  used({ holder, peer }: ControlCaller): void {
    if (!holder) return;
    const use = `${holder.tokenId} ${hostOf(peer)}`;
    const nowMs = performance.now();
    const notedAtMs = this.#notedAtMs.get(use);
    if (notedAtMs !== undefined && nowMs - notedAtMs < PERIOD_MS) return;
    this.#notedAtMs.delete(use);
    this.#notedAtMs.set(use, nowMs);
    const [oldest] = this.#notedAtMs.keys();
    if (this.#notedAtMs.size > LIMIT && oldest !== undefined) this.#notedAtMs.delete(oldest);
    const { tokenId, name: tokenName } = holder;
    const who = { tokenId, tokenName };
    this.#trail.note({
      ...{ who, action: "token.use", subject: { tokenId }, from: peer, outcome: "done" },
    });
  }
}
