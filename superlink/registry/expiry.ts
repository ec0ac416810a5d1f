/**
 * Nodes whose registration runs out: they are cut off when it does, and the log warns ahead.
 *
 * @module
 */

import type { Log } from "../../terminal/log.ts";
import type { AuditTrail } from "../audit/audit.ts";
import { AuditEvents } from "../audit/events.ts";
import type { Clock } from "../clock.ts";
import type { NodeRow } from "../state/layout.ts";
import { withoutEndedKeys } from "../state/node_keys.ts";
import type { Nodes } from "../state/nodes.ts";

/** What the watch works on. */
export interface ExpiryWatchOptions {
  readonly nodes: Nodes;
  readonly clock: Clock;
  readonly log: Log;
  readonly audit: AuditTrail;
  /** Nodes that expired up to then were told of. */
  readonly toldUntilMicros: number;
}

const DAY_MICROS = 24 * 3_600 * 1_000_000;
/** How long before the end the log warns, the longest first. */
const WARNINGS_DAYS = [30, 7, 1] as const;

/** Looks after nodes that expire. */
export class ExpiryWatch {
  readonly #options: ExpiryWatchOptions;
  readonly #events: AuditEvents;
  /** Nodes that expired before this time are cut off. */
  #doneUntil = 0;
  /** The shortest warning that was given of each node's expiry. */
  #warned = new Map<string, number>();

  constructor(options: ExpiryWatchOptions) {
    this.#options = options;
    this.#events = new AuditEvents(options.audit);
  }

  /** Cuts off the nodes that have expired since the last time. */
  async cutOff(): Promise<void> {
    const { nodes, clock, log, toldUntilMicros } = this.#options;
    const now = clock.nowMicros();
    for (const row of await nodes.expiring(this.#doneUntil, now + 1)) {
      const { nodeId, fingerprint, expiresAt = now } = row;
      await nodes.presence.endExpired(nodeId, now);
      if (expiresAt <= toldUntilMicros) continue;
      this.#events.lapsed(row);
      const sentence = `The registration of SuperNode ${nodeId} has expired: it is cut off.`;
      log.warning("node.registration-expired", sentence, { nodeId: String(nodeId), fingerprint });
    }
    this.#doneUntil = now + 1;
  }

  /** Takes away earlier keys whose time is over. */
  async endKeys(): Promise<void> {
    const { nodes, clock, log } = this.#options;
    const now = clock.nowMicros();
    for (const nodeId of await nodes.withEndedKeys(now)) {
      const change = await nodes.change(nodeId, now, (row) => withoutEndedKeys(row, now));
      if (!change || change.before === change.after) continue;
      const sentence = `The earlier key of SuperNode ${nodeId} is not good any more.`;
      log.info("node.key-ended", sentence, { nodeId: String(nodeId) });
    }
  }

  /** Warns of nodes that expire soon: a month, a week and a day before. */
  async warn(): Promise<void> {
    const { nodes, clock, log } = this.#options;
    const now = clock.nowMicros();
    const warned = new Map<string, number>();
    for (const row of await nodes.expiring(now, now + WARNINGS_DAYS[0] * DAY_MICROS)) {
      const { nodeId, fingerprint, expiresAt = now } = row;
      const leftDays = (expiresAt - now) / DAY_MICROS;
      const due = WARNINGS_DAYS.findLast((days) => leftDays < days) ?? WARNINGS_DAYS[0];
      const id = `${nodeId}/${expiresAt}`;
      warned.set(id, due);
      if (due >= (this.#warned.get(id) ?? Infinity)) continue;
      log.warning(
        "node.expires-soon",
        `The registration of ${nameOf(row)} expires at ${when(expiresAt)}. To extend it: ` +
          `trellis supernode expire ${nodeId} 90d`,
        { nodeId: String(nodeId), fingerprint, expiresAt: when(expiresAt) },
      );
    }
    this.#warned = warned;
  }
}

function nameOf({ nodeId, name }: NodeRow): string {
  return name === undefined ? `SuperNode ${nodeId}` : `SuperNode ${nodeId} ("${name}")`;
}

function when(micros: number): string {
  return `${new Date(micros / 1000).toISOString().slice(0, 19)}Z`;
}
