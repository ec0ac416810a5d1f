/**
 * A SuperNode's life: it joins, stays, joins again when the SuperLink has forgotten it, and leaves.
 *
 * @module
 */

import { generatePrivateKey, type PrivateKey } from "../keys/private_key.ts";
import type { Log } from "../terminal/log.ts";
import type { Clock } from "./clock.ts";
import type { FleetClient } from "./fleet/fleet_client.ts";
import { sendHeartbeats } from "./fleet/heartbeats.ts";
import { JoinRefused, Membership } from "./fleet/membership.ts";
import type { Refusal } from "./fleet/refusal.ts";
import { joinRefusedFinally, removedFromFleet } from "./fleet/refusal_sentences.ts";

/** The calls that the life cycle makes. */
export type LifeCycleCalls = Pick<
  FleetClient,
  "registerNode" | "activateNode" | "deactivateNode" | "unregisterNode" | "sendHeartbeat"
>;

/** What a SuperNode's life depends on. */
export interface LifeCycleOptions {
  /** The operator's key; without it the node makes one for each stay and registers itself. */
  readonly key: PrivateKey | undefined;
  readonly connect: (key: PrivateKey) => Promise<LifeCycleCalls>;
  /** How often the SuperLink was connected to. */
  readonly connections: () => number;
  /** `HOST:PORT`, for people. */
  readonly superlink: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** An upper bound for waits, from `--max-wait-time`. */
  readonly maxWaitMs?: number | undefined;
}

/**
 * Keeps a SuperNode with its SuperLink until `signal` aborts, and then leaves. Throws an
 * `ExitError` when the SuperLink refuses it for good, and what the calls throw when they give up.
 */
export async function runLifeCycle(options: LifeCycleOptions, signal: AbortSignal): Promise<void> {
  for (let stays = 0; !signal.aborted; stays++) {
    const key = options.key ?? await generatePrivateKey();
    const refusal = await stay(options, key, stays > 0, signal);
    if (refusal === undefined) return;
    options.log.warning(
      "node.forgotten",
      `The SuperLink does not know this node any more (${refusal.words}). Joining again` +
        (options.key ? "." : " with a new key."),
    );
  }
}

/** One stay: ends with `undefined` when asked to stop, with a refusal that joining again may heal. */
async function stay(
  options: LifeCycleOptions,
  key: PrivateKey,
  again: boolean,
  signal: AbortSignal,
): Promise<Refusal | undefined> {
  const { connections, superlink, log } = options;
  const { fingerprint } = key.publicKey;
  const selfRegistered = options.key === undefined;
  const fleet = await options.connect(key);
  const membership = new Membership({ ...options, fleet, selfRegistered });
  try {
    const nodeId = await membership.join(signal);
    log.info(
      "node.joined",
      `${again ? "Joined again" : "Joined"} the SuperLink at ${superlink}. ` +
        `SuperNode ID: ${nodeId}, key ${fingerprint}.`,
      { nodeId: `${nodeId}`, fingerprint },
    );
    let heartbeats = 0;
    let knownConnections = connections();
    const refusal = await sendHeartbeats({
      ...options,
      send: (signal) => fleet.sendHeartbeat(nodeId, signal),
      accepted() {
        heartbeats++;
        knownConnections = connections();
      },
    }, signal);
    // A SuperLink that was never away has not forgotten a node: somebody unregistered it. An own key
    // that is refused for that says so when it activates again.
    const wasAway = connections() > knownConnections;
    if (heartbeats === 0 || selfRegistered && !wasAway) throw removedFromFleet(refusal, superlink);
    return refusal;
  } catch (error) {
    if (signal.aborted) {
      log.info("node.stopping", `Stopping (${signal.reason}).`);
      await membership.leave();
      return undefined;
    }
    if (!(error instanceof JoinRefused)) throw error;
    throw joinRefusedFinally(error.refusal, { superlink, fingerprint, ownKey: !selfRegistered });
  }
}
