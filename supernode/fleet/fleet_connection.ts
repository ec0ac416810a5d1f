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

/** A connection on which calls time out is given up when nothing was heard on it for this long. */
const SILENCE_LIMIT_MS = 25_000;

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
    options: CallOptions,
  ): Promise<MessageShape<O>> {
    if (this.#channel === undefined) {
      this.#channel = this.#open();
      this.#heardMs = this.#clock.nowMs();
    }
    const channel = this.#channel;
    try {
      const answer = await channel.unary(method, request, options);
      this.#heardMs = this.#clock.nowMs();
      return answer;
    } catch (error) {
      if (error instanceof StatusError) this.#judge(channel, error);
      throw error;
    }
  }

  /** Ends the connection and the calls under way; the next call makes a new one. */
  close(): void {
    if (!this.#channel) return;
    this.#earlierConnections += this.#channel.connections;
    this.#channel.close();
    this.#channel = undefined;
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
        if (this.#clock.nowMs() - this.#heardMs >= SILENCE_LIMIT_MS) this.close();
        return;
      case "CANCELLED":
        return;
      default:
        this.#heardMs = this.#clock.nowMs();
    }
  }
}
