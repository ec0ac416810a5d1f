import type { Confirmation, FleetClient } from "../fleet/fleet_client.ts";
import type { Instruction } from "./instruction.ts";

/** The call for a SuperLink that takes no confirmations with a pull. */
export type ConfirmCall = Pick<FleetClient, "confirmMessageReceived">;

/**
 * Tells the SuperLink which instructions have arrived whole, so that it may drop their objects and
 * hands them out to nobody again. A SuperLink of ours is told with the next pull: its reply need not
 * wait for it, and there is one signed call less for each message.
 */
export class Confirmations {
  #pending: readonly Confirmation[] = [];

  /** Those that the next pull has to tell. */
  get pending(): readonly Confirmation[] {
    return this.#pending;
  }

  /** An instruction has arrived whole. Throws what the call throws. */
  async confirm(
    fleet: ConfirmCall,
    nodeId: bigint,
    { metadata: { runId, messageId }, confirmedByPull }: Instruction,
    signal: AbortSignal,
  ): Promise<void> {
    if (confirmedByPull) this.#pending = [...this.#pending, { runId, messageId }];
    else await fleet.confirmMessageReceived({ nodeId, runId, objectId: messageId }, signal);
  }

  /** A pull that told these was answered. */
  told(confirmed: readonly Confirmation[]): void {
    this.#pending = this.#pending.filter((one) => !confirmed.includes(one));
  }
}
