/** A gRPC server for tests of it. */

import { assertRejects } from "@std/assert";
import { Control } from "../../proto/gen/flwr/proto/control_pb.ts";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import type { Address } from "../address.ts";
import { GrpcChannel } from "../grpc/client.ts";
import { GrpcServer, type GrpcServerOptions } from "../grpc/server.ts";
import { defineService, type IncomingCall, type Methods } from "../service.ts";
import { StatusError, type StatusName } from "../status.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };
/** What the server takes. */
export const MAX_MESSAGE_BYTES = 64 * 1024;
/** How long a wait for something that must happen may take. */
export const PATIENCE_MS = 10_000;

/** A served pair of services, and who calls them. */
export interface Stage {
  readonly server: GrpcServer;
  readonly address: Address;
  readonly channel: GrpcChannel;
  connect(): GrpcChannel;
}

interface StageOptions extends Partial<GrpcServerOptions> {
  readonly fleet?: Methods<typeof Fleet, IncomingCall>;
  readonly control?: Methods<typeof Control, IncomingCall>;
  readonly admit?: (call: IncomingCall) => IncomingCall;
}

/** Serves both services, and makes sure that both ends are closed. */
export async function onStage(
  { fleet = {}, control = {}, admit = (call) => call, ...options }: StageOptions,
  play: (stage: Stage) => Promise<void>,
): Promise<void> {
  const server = new GrpcServer({ maxMessageBytes: MAX_MESSAGE_BYTES, ...options });
  server.add(defineService(Fleet, admit, fleet));
  server.add(defineService(Control, admit, control));
  const address = await server.listen(LOOPBACK);
  const channels: GrpcChannel[] = [];
  const connect = () => {
    const channel = new GrpcChannel(address, { insecure: true });
    channels.push(channel);
    return channel;
  };
  try {
    await play({ server, address, channel: connect(), connect });
  } finally {
    for (const channel of channels) channel.close();
    await server.drain(PATIENCE_MS);
  }
}

/** The status and the text with which a call is refused. */
export async function refusal(call: Promise<unknown>): Promise<[StatusName, string]> {
  const error = await assertRejects(() => call, StatusError);
  return [error.status, error.message];
}

/** A promise that a handler settles. */
export class Moment<T = void> {
  readonly #resolvers = Promise.withResolvers<T>();
  readonly come = (value: T) => this.#resolvers.resolve(value);
  get comes(): Promise<T> {
    return this.#resolvers.promise;
  }
}

/** Comes when the signal aborts. */
export const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
