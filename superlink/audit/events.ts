/**
 * The lines of what happens without an operator: what nodes do, how runs end, and what is done by the
 * clock. Nobody waits for them.
 *
 * @module
 */

import type { GrantRow } from "../access/rows.ts";
import type { FleetCaller } from "../auth/fleet_caller.ts";
import type { Refusal } from "../auth/refusals.ts";
import type { NodeRow, RunRow } from "../state/layout.ts";
import type { AuditEntry, AuditTrail } from "./audit.ts";
import { expiryText } from "./said_of_node.ts";

/** What is known of a node in each of its lines. */
type NodeFacts = Pick<NodeRow, "nodeId" | "fingerprint">;

const BY_CLOCK: AuditEntry["who"] = { program: "superlink" };

/** Notes events in a trail. */
export class AuditEvents {
  readonly #trail: AuditTrail;

  constructor(trail: AuditTrail) {
    this.#trail = trail;
  }

  /** A SuperNode's call was refused. */
  refused({ reason, method, peer: from, fingerprint }: Refusal): void {
    const who = fingerprint === undefined ? {} : { fingerprint };
    this.#trail.note({
      ...{ who, action: `fleet.${method}`, subject: {}, from, outcome: "refused", reason },
    });
  }

  /** A node registered itself, came online, went, or unregistered itself. */
  byNode(
    action: "node.register" | "node.activate" | "node.deactivate" | "node.unregister",
    { key: { fingerprint }, peer: from }: FleetCaller,
    nodeId: bigint,
  ): void {
    const subject = { nodeId, ...(action === "node.register" ? { fingerprint } : {}) };
    this.#trail.note({ who: { fingerprint }, action, subject, from, outcome: "done" });
  }

  /** A node's lease ended, or it was silent for so long that it was unregistered. */
  byClock(action: "node.expire" | "node.unregister", { nodeId, fingerprint }: NodeFacts): void {
    const subject = { nodeId, fingerprint };
    this.#trail.note({ who: BY_CLOCK, action, subject, outcome: "done" });
  }

  /** A login was ended, as its refresh token was used twice. */
  loginCopied({ id: tokenId, name }: GrantRow): void {
    const subject = { tokenId, name, detail: "its refresh token was used twice" };
    this.#trail.note({ who: BY_CLOCK, action: "token.revoke", subject, outcome: "done" });
  }

  /** A node's registration ran out. */
  lapsed({ nodeId, fingerprint, expiresAt }: NodeRow): void {
    const subject = { nodeId, fingerprint, expires: expiryText(expiresAt) };
    this.#trail.note({ who: BY_CLOCK, action: "node.lapse", subject, outcome: "done" });
  }

  /** A run that ended long ago was deleted. */
  runDeleted({ runId, fabId, fabVersion }: RunRow): void {
    const subject = { runId, detail: `${fabId} ${fabVersion}` };
    this.#trail.note({ who: BY_CLOCK, action: "run.delete", subject, outcome: "done" });
  }

  /** A run has ended. */
  runEnded({ runId, fabId, fabVersion, end = "failed" }: RunRow): void {
    const subject = { runId, detail: `${end}: ${fabId} ${fabVersion}` };
    this.#trail.note({ who: BY_CLOCK, action: "run.end", subject, outcome: "done" });
  }
}
