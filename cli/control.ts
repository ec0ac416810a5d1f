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
import { isLoopback } from "../wire/address.ts";
import { StatusError } from "../wire/status.ts";
import { offeredTransport, type Transport } from "../wire/transport.ts";
import { CALL_TIMEOUT_MS, type ControlClient } from "./control_client.ts";
import { controlError } from "./control_error.ts";

/** An open connection, and the way to the services that only a SuperLink of Trellis has. */
export interface OpenControl extends ControlClient, Disposable {
  /** Calls a method of a service in `trellis.v1`. Throws a `StatusError` when it is refused. */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
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
    return {
      ...control125(channel),
      call: (method, request) => channel.unary(method, request, { timeoutMs: CALL_TIMEOUT_MS }),
      [Symbol.dispose]: () => channel.close(),
    };
  }
  const [{ HttpChannel }, { control141 }] = await Promise.all([
    import("../wire/http/client.ts"),
    import("./control_1_41.ts"),
  ]);
  const channel = new HttpChannel(address, security);
  const token = tokenFor(connection);
  const text = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const options = { headers: { text }, timeoutMs: CALL_TIMEOUT_MS };
  return {
    ...control141(channel, token),
    call: (method, request) => channel.unary(method, request, options),
    [Symbol.dispose]: () => channel.close(),
  };
}

/** Names the token of a SuperLink that asks for one (`superlink/deploy/settings.ts`). */
export const TOKEN_VARIABLE = "TRELLIS_CONTROL_TOKEN";

/** The token, unless the network could read it. */
function tokenFor({ address, security }: SuperLinkConnection): string | undefined {
  const isPrivate = !security.insecure || isLoopback(address.host);
  return isPrivate ? Deno.env.get(TOKEN_VARIABLE) || undefined : undefined;
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
