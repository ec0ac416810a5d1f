/**
 * Opens the Control API of a SuperLink, over whichever transport it offers.
 *
 * @module
 */

import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { SuperLinkConnection } from "../config/connection.ts";
import { StatusError } from "../wire/status.ts";
import { offeredTransport, type Transport } from "../wire/transport.ts";
import { authorized, type CallChannel } from "./authorized_channel.ts";
import { CALL_TIMEOUT_MS, type ControlClient } from "./control_client.ts";
import { controlError } from "./control_error.ts";
import { credentialsFor } from "./credentials.ts";

/** An open connection, and the way to the services that only a SuperLink of Trellis has. */
export interface OpenControl extends ControlClient, Disposable {
  /**
   * Calls a method of a service in `trellis.v1`, with the time limit of a call that carries little
   * unless there is another. Throws a `StatusError` when it is refused.
   */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    timeoutMs?: number,
  ): Promise<MessageShape<O>>;
}

/** Connects, lets `work` make its calls, and closes the connection in any case. */
export async function withControl<T>(
  connection: SuperLinkConnection,
  work: (control: OpenControl) => Promise<T>,
): Promise<T> {
  try {
    using control = await openControl(connection);
    return await work(control);
  } catch (error) {
    throw await controlError(error, connection);
  }
}

/** A connection whose errors are left as they come, for callers that try again. */
export async function openControl(
  connection: SuperLinkConnection,
): Promise<OpenControl> {
  const { address, security } = connection;
  // Loading either takes longer than all else that a command does, and nobody needs both.
  if (await transportOf(connection) === "grpc") {
    const [{ GrpcChannel }, { control125 }] = await Promise.all([
      import("../wire/grpc/client.ts"),
      import("./control_1_25.ts"),
    ]);
    const channel = new GrpcChannel(address, security);
    return await opened(connection, channel, control125);
  }
  const [{ HttpChannel }, { control141 }] = await Promise.all([
    import("../wire/http/client.ts"),
    import("./control_1_41.ts"),
  ]);
  return await opened(connection, new HttpChannel(address, security), control141);
}

async function opened(
  connection: SuperLinkConnection,
  channel: CallChannel & { close(): void },
  clientOf: (channel: CallChannel) => ControlClient,
): Promise<OpenControl> {
  const calls = await authorizedFor(connection, channel);
  return {
    ...clientOf(calls),
    call: (method, request, timeoutMs = CALL_TIMEOUT_MS) =>
      calls.unary(method, request, { timeoutMs }),
    [Symbol.dispose]: () => channel.close(),
  };
}

/** The channel with the token that there is for the SuperLink. */
async function authorizedFor(
  connection: SuperLinkConnection,
  channel: CallChannel,
): Promise<CallChannel> {
  const credentials = await credentialsFor(connection);
  if (!credentials) return channel;
  return authorized(channel, credentials, async ({ refreshToken }) => {
    if (refreshToken === undefined) return undefined;
    const { renewedLogin } = await import("./login_flow.ts");
    return await renewedLogin(connection, channel, refreshToken);
  });
}

/** What was found is not asked again by the same command. */
const transports = new WeakMap<SuperLinkConnection, Transport>();

async function transportOf(connection: SuperLinkConnection): Promise<Transport> {
  const known = transports.get(connection);
  if (known) return known;
  const found = await offeredTransport(connection.address, connection.security);
  if (!found) throw new StatusError("UNAVAILABLE", "It does not answer as a SuperLink should.");
  transports.set(connection, found);
  return found;
}
