/**
 * PullMessages of SuperNodes: held until there is a message, because a SuperNode sleeps for three
 * seconds after an empty answer.
 *
 * Each pull costs a verification, so a node that has nothing to do is held twice as long the next
 * time, up to four minutes (SuperNodes of Flower 1.25 set no deadline; pings keep the connection
 * alive). Where something between cuts a longer hold, such as a proxy, its connection's stay short.
 *
 * @module
 */

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type PullMessagesRequest,
  PullMessagesResponseSchema,
} from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { CARRY_BYTES } from "../../records/carry_room.ts";
import type { Connection } from "../../wire/connection.ts";
import type { Call } from "../../wire/service.ts";
import type { FleetCaller } from "../auth/fleet_caller.ts";
import { type Bells, topics, type WaitEnd } from "../bells.ts";
import type { Clock } from "../clock.ts";
import type { CarriedMessage } from "../messages/message_store.ts";
import type { Messages } from "../messages/messages.ts";
import type { Onlooker, RunOnlooker } from "../onlooker.ts";
import type { Runs } from "../runs/runs.ts";

/** What held pulls work on. */
export interface HeldPullsOptions {
  readonly messages: Messages;
  readonly runs: Runs;
  readonly bells: Bells;
  readonly clock: Clock;
  /** How long a connection's first held pull waits for a message, in milliseconds. */
  readonly holdMs: number;
  readonly onlooker?: Pick<Onlooker, "held"> | undefined;
  readonly runOnlooker?: Pick<RunOnlooker, "handedOut"> | undefined;
}

/** How long a pull is held at most, in milliseconds. */
const LONGEST_HOLD_MS = 240_000;

/** What a pull may confirm: more than a SuperNode has in hand. The rest is handed out once more. */
const MAX_CONFIRMATIONS = 64;

type Response = MessageInitShape<typeof PullMessagesResponseSchema>;

/** The pulls of all nodes; one is held for each. */
export class HeldPulls {
  readonly #options: HeldPullsOptions;
  /**
   * How long the next pull of a connection is held. A SuperNode counts its link as up again only when
   * a call returns, so the first is not held, and its connection is not here yet.
   */
  readonly #holdsMs = new WeakMap<Connection, number>();
  /** Connections on which a hold was cut that was longer than the first. */
  readonly #cut = new WeakSet<Connection>();
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
    { carryBytes, confirmedMessages }: PullMessagesRequest,
    { caller, signal: gone }: Pick<Call<FleetCaller>, "caller" | "signal">,
    requireOwnNode: () => Promise<bigint>,
  ): Promise<Response> {
    const { messages, bells, clock, holdMs, runOnlooker } = this.#options;
    const nodeId = await requireOwnNode();
    for (const { runId, messageId } of confirmedMessages.slice(0, MAX_CONFIRMATIONS)) {
      await messages.confirmWithPull(runId, nodeId, messageId, clock.nowMicros());
    }
    const { connection } = caller;
    const held = this.#holdsMs.get(connection);
    const first = held === undefined;
    if (first) this.#holdsMs.set(connection, holdMs);
    const deadlineMs = Date.now() + Math.min(held ?? 0, caller.patienceMs);
    const pull = {};
    const replaces = this.#newest.has(nodeId);
    this.#newest.set(nodeId, pull);
    if (replaces) bells.ring(topics.inbox(nodeId));
    try {
      using listener = await bells.listen(topics.inbox(nodeId));
      for (;;) {
        // Asked while it listens: a node that is unregistered from now on is heard of.
        await requireOwnNode();
        const carried = await messages.nextInstruction(nodeId, clock.nowMicros());
        if (carried) {
          runOnlooker?.handedOut(nodeId, carried.message);
          return await this.#answer(carried, carryBytes);
        }
        if (first) return {};
        const end = await this.#held(listener.wait(deadlineMs, gone));
        const replaced = this.#newest.get(nodeId) !== pull;
        if (end === "rung" && !replaced) continue;
        if (end === "gone" && !replaced) connection.gaveUp?.();
        this.#learn(connection, held ?? 0, end);
        return {};
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

  async #held(wait: Promise<WaitEnd>): Promise<WaitEnd> {
    this.#options.onlooker?.held(1);
    const end = await wait;
    this.#options.onlooker?.held(-1);
    return end;
  }

  /** What the end of a hold without a message says of how long the next one may be. */
  #learn(connection: Connection, heldMs: number, end: WaitEnd): void {
    const { holdMs } = this.#options;
    if (end === "gone" && heldMs > holdMs) {
      this.#cut.add(connection);
      this.#holdsMs.set(connection, holdMs);
    } else if (end === "timeout" && !this.#cut.has(connection)) {
      this.#holdsMs.set(connection, Math.min(Math.max(holdMs, 2 * heldMs), LONGEST_HOLD_MS));
    }
  }

  async #answer(carried: CarriedMessage, carryBytes: bigint): Promise<Response> {
    const { message, tree } = carried;
    const runId = message.metadata?.runId ?? 0n;
    const response = create(PullMessagesResponseSchema, {
      messagesList: [message],
      messageObjectTrees: [tree],
      ...(carryBytes > 0n && {
        carryBytes: BigInt(CARRY_BYTES),
        takesConfirmations: true,
        carriedObjects: await this.#options.messages.getCarried(runId, [carried], carryBytes),
      }),
    });
    const bytesSent = toBinary(PullMessagesResponseSchema, response).length;
    this.#options.runs.addCosts(runId, { bytesSent });
    return response;
  }
}
