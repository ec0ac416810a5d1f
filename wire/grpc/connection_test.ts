import { assertEquals } from "@std/assert";
import { deadline, delay } from "@std/async";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { defineService } from "../service.ts";
import { TcpProxy } from "../testing/tcp_proxy.ts";
import { GrpcChannel } from "./client.ts";
import type { Connection } from "../connection.ts";
import { GrpcServer } from "./server.ts";

const KEEPALIVE_TIME_MS = 150;
/** Long enough for an answer on a busy machine. */
const KEEPALIVE_TIMEOUT_MS = 1_000;
const PATIENCE_MS = 10_000;

/** Holds pulls until their caller is gone; tells of each when it comes, and when it goes. */
async function withHoldingServer(
  play: (
    server: { via: TcpProxy; came: Promise<Connection>; gone: Promise<void> },
  ) => Promise<void>,
): Promise<void> {
  const [came, gone] = [Promise.withResolvers<Connection>(), Promise.withResolvers<void>()];
  const server = new GrpcServer({
    maxMessageBytes: 1024,
    keepaliveTimeMs: KEEPALIVE_TIME_MS,
    keepaliveTimeoutMs: KEEPALIVE_TIMEOUT_MS,
  });
  server.add(
    defineService(Fleet, (call) => call, {
      async pullMessages(_, { caller, signal }) {
        came.resolve(caller.connection!);
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        gone.resolve();
        return {};
      },
      getRun: () => Promise.resolve({}),
    }),
  );
  try {
    await using via = new TcpProxy(await server.listen({ host: "127.0.0.1", port: 0 }));
    await play({ via, came: came.promise, gone: gone.promise });
  } finally {
    await server.drain(PATIENCE_MS);
  }
}

const untilClosed = ({ closed }: Connection) =>
  new Promise((resolve) => closed.addEventListener("abort", resolve));

Deno.test("A connection that is dead without a word is found by keepalive, and its calls end", () =>
  withHoldingServer(async ({ via, came, gone }) => {
    const channel = new GrpcChannel(via.address, { insecure: true });
    const held = channel.unary(Fleet.method.pullMessages, {}).catch(() => {});
    const connection = await came;
    assertEquals(connection.closed.aborted, false);
    const closed = untilClosed(connection);
    via.freeze();
    await deadline(Promise.all([closed, gone]), PATIENCE_MS);
    channel.close();
    await held;
  }));

Deno.test("A quiet connection is kept for as long as the other end answers pings", () =>
  withHoldingServer(async ({ via, came, gone }) => {
    const channel = new GrpcChannel(via.address, { insecure: true });
    const held = channel.unary(Fleet.method.pullMessages, {}).catch(() => {});
    const connection = await came;
    await delay(2 * (KEEPALIVE_TIME_MS + KEEPALIVE_TIMEOUT_MS));
    assertEquals(connection.closed.aborted, false);
    await channel.unary(Fleet.method.getRun, {});
    assertEquals(channel.connections, 1);
    const closed = untilClosed(connection);
    channel.close();
    await deadline(Promise.all([closed, gone]), PATIENCE_MS);
    await held;
  }));
