/**
 * PullMessages of SuperNodes: held until there is a message, because a SuperNode sleeps for three
 * seconds after an empty answer.
 *
 * @module
 */

import { type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { PullMessagesResponseSchema } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import type { Connection } from "../../wire/connection.ts";
import type { FleetCaller } from "../auth/fleet_caller.ts";
import { type Bells, topics } from "../bells.ts";
import type { Clock } from "../clock.ts";
import type { Messages } from "../messages/messages.ts";
import type { Runs } from "../runs/runs.ts";

/** What held pulls work on. */
export interface HeldPullsOptions {
  readonly messages: Messages;
  readonly runs: Runs;
  readonly bells: Bells;
  readonly clock: Clock;
  /** How long a pull waits for a message, in milliseconds. */
  readonly holdMs: number;
}

type Response = MessageInitShape<typeof PullMessagesResponseSchema>;

/** The pulls of all nodes; one is held for each. */
export class HeldPulls {
  readonly #options: HeldPullsOptions;
  /** A SuperNode counts its link as up again only when a call returns: its first is not held. */
  readonly #pulledBefore = new WeakSet<Connection>();
  /** The newest pull of each node that is held; an older one is given up by its node. */
  readonly #newest = new Map<bigint, object>();

  constructor(options: HeldPullsOptions) {
    this.#options = options;
  }

  /**
   * Answers one pull. `requireOwnNode` gives the node that the caller speaks for, and throws when it
   * may not: it is asked again after each wait, because the node may have been unregistered.
   */
  async pull(
    caller: FleetCaller,
    gone: AbortSignal,
    requireOwnNode: () => Promise<bigint>,
  ): Promise<Response> {
    const { messages, bells, clock, holdMs } = this.#options;
    const nodeId = await requireOwnNode();
    const first = !this.#pulledBefore.has(caller.connection);
    this.#pulledBefore.add(caller.connection);
    const deadlineMs = Date.now() + (first ? 0 : Math.min(holdMs, caller.patienceMs));
    const pull = {};
    const replaces = this.#newest.has(nodeId);
    this.#newest.set(nodeId, pull);
    if (replaces) bells.ring(topics.inbox(nodeId));
    using listener = bells.listen(topics.inbox(nodeId));
    try {
      for (;;) {
        // Asked while it listens: a node that is unregistered from now on is heard of.
        await requireOwnNode();
        const carried = await messages.nextInstruction(nodeId, clock.nowMicros());
        if (carried) return this.#answer(carried);
        if (first) return {};
        const end = await listener.wait(deadlineMs, gone);
        const replaced = this.#newest.get(nodeId) !== pull;
        if (end === "gone" && !replaced) caller.connection.gaveUp?.();
        if (end !== "rung" || replaced) return {};
      }
    } finally {
      if (this.#newest.get(nodeId) === pull) this.#newest.delete(nodeId);
    }
  }

  /** Ends the pull that is held for a node, unanswered: its node goes offline. */
  end(nodeId: bigint): void {
    this.#newest.delete(nodeId);
    this.#options.bells.ring(topics.inbox(nodeId));
  }

  #answer({ message, tree }: NonNullable<Awaited<ReturnType<Messages["nextInstruction"]>>>) {
    const response = create(PullMessagesResponseSchema, {
      messagesList: [message],
      messageObjectTrees: [tree],
    });
    const runId = message.metadata?.runId ?? 0n;
    const bytesSent = toBinary(PullMessagesResponseSchema, response).length;
    this.#options.runs.addCosts(runId, { bytesSent });
    return response;
  }
}
