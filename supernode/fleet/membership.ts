/**
 * One key's stay with a SuperLink: how it joins and how it leaves.
 *
 * @module
 */

import type { Log } from "../../terminal/log.ts";
import { StatusError } from "../../wire/status.ts";
import type { Clock } from "../clock.ts";
import { type FleetClient, HEARTBEAT_INTERVAL_S } from "./fleet_client.ts";
import { readRefusal, type Refusal } from "./refusal.ts";

/** The calls by which a node joins and leaves. */
export type MembershipCalls = Pick<
  FleetClient,
  "registerNode" | "activateNode" | "deactivateNode" | "unregisterNode"
>;

/** How a key joins. */
export interface MembershipOptions {
  readonly fleet: MembershipCalls;
  /** Whether the key was made for this stay: it registers itself, and unregisters when it leaves. */
  readonly selfRegistered: boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** An upper bound for the wait for an earlier process's lease. */
  readonly maxWaitMs?: number | undefined;
}

/** The SuperLink refused to admit the key. */
export class JoinRefused extends Error {
  override readonly name = "JoinRefused";

  constructor(readonly refusal: Refusal, cause: StatusError) {
    super(refusal.words, { cause });
  }
}

/**
 * A SuperLink counts a node as online for two heartbeat intervals after it last heard of it, and
 * Flower's (to 1.42) refuses to activate it until then, also when its process was killed.
 */
const LEASE_MS = 2 * HEARTBEAT_INTERVAL_S * 1000;
const LEASE_MARGIN_MS = 15_000;
const LEASE_LOOK_MS = 5_000;

/** One key's stay with a SuperLink. */
export class Membership {
  readonly #options: MembershipOptions;
  #nodeId: bigint | undefined;
  #online = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /**
   * Joins and gives the node id. Throws {@linkcode JoinRefused}, and what the calls throw besides
   * refusals.
   */
  async join(signal: AbortSignal): Promise<bigint> {
    if (this.#options.selfRegistered) await this.#register(signal);
    const nodeId = await this.#activate(signal);
    this.#nodeId = nodeId;
    this.#online = true;
    return nodeId;
  }

  /** Takes the node offline, and gives it up if it was registered here. Never throws. */
  async leave(): Promise<void> {
    const { fleet, selfRegistered, log } = this.#options;
    const nodeId = this.#nodeId;
    if (nodeId === undefined) return;
    try {
      if (this.#online) await fleet.deactivateNode(nodeId);
      if (selfRegistered) await fleet.unregisterNode(nodeId);
      log.info("node.left", `Node ${nodeId} left the SuperLink.`, { nodeId: `${nodeId}` });
    } catch (error) {
      const words = error instanceof StatusError && error.status !== "UNAVAILABLE"
        ? readRefusal(error).words
        : "it cannot be reached";
      log.warning(
        "node.not_left",
        `The SuperLink could not be told that node ${nodeId} leaves (${words}). ` +
          `It will count the node as offline ${LEASE_MS / 1000} s after the last heartbeat.`,
        { nodeId: `${nodeId}` },
      );
    }
  }

  async #register(signal: AbortSignal): Promise<void> {
    try {
      this.#nodeId = await this.#options.fleet.registerNode(signal);
    } catch (error) {
      const refused = toJoinRefused(error);
      // Nobody else holds this key: a try of ours arrived, and its answer was lost.
      if (refused.refusal.kind !== "key-in-use") throw refused;
    }
  }

  async #activate(signal: AbortSignal): Promise<bigint> {
    const { fleet, clock, log, maxWaitMs = Infinity } = this.#options;
    const waitMs = Math.min(LEASE_MS + LEASE_MARGIN_MS, maxWaitMs);
    const startMs = clock.nowMs();
    for (let looks = 0;; looks++) {
      try {
        return await fleet.activateNode(signal);
      } catch (error) {
        const refused = toJoinRefused(error);
        const reason = WAITS[refused.refusal.kind];
        const leftMs = waitMs - (clock.nowMs() - startMs);
        if (reason === undefined || leftMs <= 0) throw refused;
        if (looks === 0) {
          const seconds = Math.round(waitMs / 1000);
          log.warning("node.waiting", `${reason} Trying again for up to ${seconds} s.`);
        }
        await clock.sleep(Math.min(LEASE_LOOK_MS, leftMs), signal);
        signal.throwIfAborted();
      }
    }
  }
}

const WAITS: Readonly<Partial<Record<Refusal["kind"], string>>> = {
  "already-online":
    "The SuperLink still counts this node as online: an earlier process with the same key was " +
    "killed a short while ago, or still runs.",
  "activation-failed":
    "The SuperLink does not activate this node: its key is not registered, or an earlier process " +
    "with the same key was killed a short while ago or still runs.",
};

function toJoinRefused(error: unknown): JoinRefused {
  if (!(error instanceof StatusError)) throw error;
  return new JoinRefused(readRefusal(error), error);
}
