import { RecordError } from "../../records/record_error.ts";
import type { Log } from "../../terminal/log.ts";
import { StatusError } from "../../wire/status.ts";
import type { Clock } from "../clock.ts";
import type { FleetClient } from "../fleet/fleet_client.ts";
import { readRefusal, type Refusal } from "../fleet/refusal.ts";
import type { Confirmations } from "./confirmations.ts";
import { type Instruction, readInstruction } from "./instruction.ts";

/** What one pull came to. */
export type Pulled =
  | { readonly kind: "message"; readonly instruction: Instruction }
  | { readonly kind: "nothing" }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** What a pull needs. */
export interface PullOptions {
  readonly fleet: Pick<FleetClient, "pullMessages">;
  readonly nodeId: bigint;
  readonly confirmations: Confirmations;
  readonly clock: Clock;
  readonly log: Log;
}

/** Flower's pause after an answer without a message. */
const POLL_MS = 3_000;

/**
 * Asks for a message once. An answer without one that came at once is followed by what is left of
 * Flower's pause; a SuperLink that held the call back until there was nothing more to wait for is
 * asked again without one. Ends early when `signal` aborts.
 */
export async function pull(
  { fleet, nodeId, confirmations, clock, log }: PullOptions,
  signal: AbortSignal,
): Promise<Pulled> {
  const startMs = clock.nowMs();
  const confirmed = confirmations.pending;
  try {
    const response = await fleet.pullMessages(nodeId, confirmed, signal);
    confirmations.told(confirmed);
    const instruction = readInstruction(response, nodeId);
    if (instruction) return { kind: "message", instruction };
  } catch (error) {
    if (error instanceof RecordError) {
      log.warning(
        "message.malformed",
        `The SuperLink sent a message that is none: ${error.message}`,
      );
    } else if (!signal.aborted) {
      if (!(error instanceof StatusError)) throw error;
      // Flower's node takes this for a run that is over, and asks again.
      if (error.status !== "PERMISSION_DENIED") {
        return { kind: "refused", refusal: readRefusal(error) };
      }
    }
  }
  await clock.sleep(Math.max(0, POLL_MS - (clock.nowMs() - startMs)), signal);
  return { kind: "nothing" };
}
