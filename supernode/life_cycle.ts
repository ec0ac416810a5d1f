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

/** A key's way to its SuperLink. */
export interface Connected {
  readonly calls: LifeCycleCalls;
  /**
   * Works for the node until `stop` aborts and all is done, or until the SuperLink refuses the node.
   * Drops everything when `cut` aborts.
   */
  readonly work: (
    nodeId: bigint,
    stop: AbortSignal,
    cut: AbortSignal,
  ) => Promise<Refusal | undefined>;
}

/** What a SuperNode's life depends on. */
export interface LifeCycleOptions {
  /** The operator's key; without it the node makes one for each stay and registers itself. */
  readonly key: PrivateKey | undefined;
  readonly connect: (key: PrivateKey) => Promise<Connected>;
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
  const stopping = () => options.log.info("node.stopping", `Stopping (${signal.reason}).`);
  signal.addEventListener("abort", stopping, { once: true });
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
  const { superlink, log } = options;
  const { fingerprint } = key.publicKey;
  const selfRegistered = options.key === undefined;
  const { calls, work } = await options.connect(key);
  const membership = new Membership({ ...options, fleet: calls, selfRegistered });
  try {
    const nodeId = await membership.join(signal);
    log.info(
      "node.joined",
      `${again ? "Joined again" : "Joined"} the SuperLink at ${superlink}. ` +
        `SuperNode ID: ${nodeId}, key ${fingerprint}.`,
      { nodeId: `${nodeId}`, fingerprint },
    );
    const refusal = await beOnline(options, calls, work, nodeId, signal);
    if (refusal) return refusal;
  } catch (error) {
    if (error instanceof JoinRefused) {
      throw joinRefusedFinally(error.refusal, { superlink, fingerprint, ownKey: !selfRegistered });
    }
    if (!signal.aborted) throw error;
  }
  await membership.leave();
  return undefined;
}

/** Sends heartbeats and works, until either comes to an end. */
async function beOnline(
  { connections, superlink, key, clock, random }: LifeCycleOptions,
  calls: LifeCycleCalls,
  work: Connected["work"],
  nodeId: bigint,
  signal: AbortSignal,
): Promise<Refusal | undefined> {
  const cut = new AbortController();
  let heartbeats = 0;
  let knownConnections = connections();
  const beating = sendHeartbeats({
    send: (signal) => calls.sendHeartbeat(nodeId, signal),
    accepted() {
      heartbeats++;
      knownConnections = connections();
    },
    clock,
    random,
  }, cut.signal);
  const working = work(nodeId, signal, cut.signal);
  let refusal: Refusal | undefined;
  try {
    refusal = await Promise.race([beating, working]);
  } finally {
    cut.abort();
    await Promise.allSettled([beating, working]);
  }
  // A SuperLink that was never away has not forgotten a node: somebody unregistered it. An own key
  // that is refused for that says so when it activates again.
  const wasAway = connections() > knownConnections;
  if (refusal && (heartbeats === 0 || key === undefined && !wasAway)) {
    throw removedFromFleet(refusal, superlink);
  }
  return refusal;
}
