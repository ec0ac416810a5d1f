/**
 * Heartbeats, which keep a node online.
 *
 * @module
 */

import { StatusError } from "../../wire/status.ts";
import type { Clock } from "../clock.ts";
import { HEARTBEAT_INTERVAL_S } from "./fleet_client.ts";
import { readRefusal, type Refusal } from "./refusal.ts";

/** What heartbeats need. */
export interface HeartbeatOptions {
  /** Sends one, and gives `false` when the SuperLink does not know the node. */
  readonly send: (signal: AbortSignal) => Promise<boolean>;
  /** Told of each that was accepted. */
  readonly accepted: () => void;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
}

/**
 * Sends heartbeats, the first at once, until the SuperLink refuses one and that refusal is given.
 * Throws the signal's reason when it aborts, and what `send` throws besides refusals.
 */
export async function sendHeartbeats(
  { send, accepted, clock, random }: HeartbeatOptions,
  signal: AbortSignal,
): Promise<Refusal> {
  for (;;) {
    signal.throwIfAborted();
    try {
      if (!await send(signal)) return UNKNOWN_NODE;
    } catch (error) {
      if (error instanceof StatusError && !signal.aborted) return readRefusal(error);
      throw error;
    }
    accepted();
    await clock.sleep(heartbeatPauseMs(random), signal);
  }
}

const UNKNOWN_NODE: Refusal = { kind: "unknown-node", words: "The heartbeat was not accepted." };

/**
 * Flower's pause between heartbeats: four fifths of the interval without the time limit of the
 * call, give or take a tenth of it. 17.5 to 22.5 s.
 */
export function heartbeatPauseMs(random: () => number): number {
  const spare = HEARTBEAT_INTERVAL_S - 5;
  return spare * (0.8 - 0.1 + 0.2 * random()) * 1000;
}
