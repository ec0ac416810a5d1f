/**
 * A channel to the Fleet API of a SuperLink, over whichever transport it offers.
 *
 * @module
 */

import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { CallOptions } from "../../wire/grpc/client.ts";
import { StatusError } from "../../wire/status.ts";
import type { Transport, TransportChoice } from "../../wire/transport.ts";
import type { Channel } from "./fleet_connection.ts";

/** What a SuperNode's channels depend on. */
export interface FleetTransportOptions {
  readonly choice: TransportChoice;
  /** Looks what is offered now, in bounded time; `undefined` when that cannot be told. */
  readonly look: () => Promise<Transport | undefined>;
  readonly open: (transport: Transport) => Promise<Channel>;
  /** Told once what was found. */
  readonly decided: (transport: Transport) => void;
}

/** How one SuperNode speaks to its SuperLink: what was found once is never asked again. */
export class FleetTransport {
  readonly #options: FleetTransportOptions;
  #choice: TransportChoice;

  constructor(options: FleetTransportOptions) {
    this.#options = options;
    this.#choice = options.choice;
  }

  /** What was asked for, or found since. */
  get choice(): TransportChoice {
    return this.#choice;
  }

  /** A channel that looks which transport to take, if it has to, when the first call is made. */
  channel(): Channel {
    return new TransportChannel(() => this.#open());
  }

  async #open(): Promise<Channel> {
    return await this.#options.open(this.#choice === "auto" ? await this.#look() : this.#choice);
  }

  async #look(): Promise<Transport> {
    const found = await this.#options.look();
    if (found === undefined) throw new StatusError("UNAVAILABLE", "Nothing answers as it should.");
    if (this.#choice === "auto") this.#options.decided(found);
    return this.#choice = found;
  }
}

class TransportChannel implements Channel {
  readonly #open: () => Promise<Channel>;
  #opening: Promise<Channel> | undefined;
  #channel: Channel | undefined;
  #closed = false;

  constructor(open: () => Promise<Channel>) {
    this.#open = open;
  }

  get connected(): boolean {
    return this.#channel?.connected ?? false;
  }

  get connections(): number {
    return this.#channel?.connections ?? 0;
  }

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    this.#opening ??= this.#open();
    const channel = await this.#opening;
    if (this.#closed) {
      channel.close();
      throw new StatusError("CANCELLED", "The connection was closed.");
    }
    this.#channel = channel;
    return await channel.unary(method, request, options);
  }

  close(): void {
    this.#closed = true;
    this.#channel?.close();
  }
}
