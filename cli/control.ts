/**
 * Calls to the Control API of a SuperLink.
 *
 * @module
 */

import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { SuperLinkConnection } from "../config/connection.ts";
import { type CallOptions, GrpcChannel } from "../wire/grpc/client.ts";
import { controlError } from "./control_error.ts";

/** The time limit of a call that carries little. Flower has none and waits for ever. */
const DEFAULT_TIMEOUT_MS = 30_000;

/** An open connection to a Control API. */
export interface ControlClient {
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): Promise<MessageShape<O>>;
  serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions,
  ): AsyncGenerator<MessageShape<O>>;
}

/** Connects, lets `work` make its calls, and closes the connection in any case. */
export async function withControl<T>(
  connection: SuperLinkConnection,
  work: (control: ControlClient) => Promise<T>,
): Promise<T> {
  using control = openControl(connection);
  try {
    return await work(control);
  } catch (error) {
    throw await controlError(error, connection);
  }
}

/** A connection whose errors are left as they come, for callers that try again. */
export function openControl(connection: SuperLinkConnection): ControlClient & Disposable {
  const channel = new GrpcChannel(connection.address, connection.security);
  return {
    unary: (method, request, options) =>
      channel.unary(method, request, { timeoutMs: DEFAULT_TIMEOUT_MS, ...options }),
    serverStream: (method, request, options) => channel.serverStream(method, request, options),
    [Symbol.dispose]: () => channel.close(),
  };
}
