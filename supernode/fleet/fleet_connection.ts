/**
 * The connection to a SuperLink, made anew when it is lost or found dead.
 *
 * @module
 */

import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { CallOptions, GrpcChannel } from "../../wire/grpc/client.ts";
import { StatusError } from "../../wire/status.ts";
import type { Clock } from "../clock.ts";

/** What is used of a {@linkcode GrpcChannel}. */
export type Channel = Pick<GrpcChannel, "unary" | "close" | "connected" | "connections">;

/** A call over the connection. */
export interface FleetCallOptions extends CallOptions {
  /** Whether it carries an object, which takes its time on a slow line. */
  readonly isBulk?: boolean;
}

/** A connection on which calls time out is given up when nothing was heard on it for this long. */
const SILENCE_LIMIT_MS = 25_000;
/** The same while an object is on its way: nothing is heard until all of it has arrived. */
const BULK_SILENCE_LIMIT_MS = 300_000;

/**
 * Makes calls over one connection at a time, and gives each try of a call its own chance to connect:
 * a failed grpc-js channel answers from memory until its own back-off of up to two minutes is over,
 * so it is thrown away and the pauses are left to the retry policy.
 */
export class FleetConnection {
  readonly #open: () => Channel;
  readonly #clock: Clock;
  #channel: Channel | undefined;
  #earlierConnections = 0;
  #bulkCalls = 0;
  #heardMs: number;

  constructor(open: () => Channel, clock: Clock) {
    this.#open = open;
    this.#clock = clock;
    this.#heardMs = clock.nowMs();
  }

  /** How often the SuperLink was connected to: more than before means a lost connection between. */
  get connections(): number {
    return this.#earlierConnections + (this.#channel?.connections ?? 0);
  }

  /** Makes one try of a call. Throws a `StatusError`. */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    { isBulk = false, ...options }: FleetCallOptions,
  ): Promise<MessageShape<O>> {
    if (this.#channel === undefined) {
      this.#channel = this.#open();
      this.#heardMs = this.#clock.nowMs();
    }
    const channel = this.#channel;
    if (isBulk) this.#bulkCalls++;
    try {
      const answer = await channel.unary(method, request, options);
      this.#heardMs = this.#clock.nowMs();
      return answer;
    } catch (error) {
      if (error instanceof StatusError) this.#judge(channel, error);
      throw error;
    } finally {
      if (isBulk) this.#bulkCalls--;
    }
  }

  /** Ends the connection and the calls under way; the next call makes a new one. */
  close(): void {
    if (!this.#channel) return;
    this.#earlierConnections += this.#channel.connections;
    this.#channel.close();
    this.#channel = undefined;
  }

  #isSilent(): boolean {
    const limitMs = this.#bulkCalls > 0 ? BULK_SILENCE_LIMIT_MS : SILENCE_LIMIT_MS;
    return this.#clock.nowMs() - this.#heardMs >= limitMs;
  }

  #judge(channel: Channel, error: StatusError): void {
    if (channel !== this.#channel) return;
    switch (error.status) {
      case "UNAVAILABLE":
        // A SuperLink may also answer this, over a connection that is well.
        if (!channel.connected) this.close();
        return;
      case "DEADLINE_EXCEEDED":
        // A peer that vanished without a word leaves a connection that looks well for a quarter of
        // an hour. Other calls may still get through a line that is merely full.
        if (this.#isSilent()) this.close();
        return;
      case "CANCELLED":
        return;
      default:
        this.#heardMs = this.#clock.nowMs();
    }
  }
}
