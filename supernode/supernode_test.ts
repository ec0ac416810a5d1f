import { assertEquals, assertRejects } from "@std/assert";
import { Fleet } from "../proto/gen/flwr/proto/fleet_pb.ts";
import {
  Health,
  HealthCheckResponse_ServingStatus,
} from "../proto/gen/grpc/health/v1/health_pb.ts";
import { LogLines } from "../superlink/testing/log_lines.ts";
import { startTestSuperLink } from "../superlink/testing/test_superlink.ts";
import { ExitError } from "../terminal/errors.ts";
import { GrpcChannel } from "../wire/grpc/client.ts";
import { GrpcServer } from "../wire/grpc/server.ts";
import { defineService } from "../wire/service.ts";
import { StatusError } from "../wire/status.ts";
import { runSuperNode } from "./supernode.ts";
import type { SuperNodeOptions } from "./options.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };

function plain(overrides: Partial<SuperNodeOptions>): SuperNodeOptions {
  return {
    superlink: LOOPBACK,
    security: { insecure: true },
    retryLimits: {},
    key: undefined,
    nodeConfig: new Map(),
    healthAddress: undefined,
    warnings: [],
    ...overrides,
  };
}

Deno.test("runSuperNode joins a SuperLink, says so, and leaves when it is stopped", async () => {
  await using superlink = await startTestSuperLink();
  const logged = new LogLines();
  const stop = new AbortController();
  const options = plain({ superlink: superlink.fleetAddress });
  const ended = runSuperNode(options, { log: logged.log }, stop.signal);
  const { nodeId } = await logged.untilLogged("node.joined");
  stop.abort("SIGTERM");
  await ended;
  assertEquals(logged.of("node.left")[0]?.nodeId, nodeId);
});

Deno.test("runSuperNode serves the health service while it runs", async () => {
  await using superlink = await startTestSuperLink();
  const logged = new LogLines();
  const stop = new AbortController();
  const options = plain({ superlink: superlink.fleetAddress, healthAddress: LOOPBACK });
  const ended = runSuperNode(options, { log: logged.log }, stop.signal);
  const { address } = await logged.untilLogged("supernode.health");
  const port = Number(String(address).split(":")[1]);
  const channel = new GrpcChannel({ host: "127.0.0.1", port }, { insecure: true });
  const { status } = await channel.unary(Health.method.check, { service: "anything" });
  assertEquals(status, HealthCheckResponse_ServingStatus.SERVING);
  channel.close();
  await logged.untilLogged("node.joined");
  stop.abort("SIGTERM");
  await ended;
});

Deno.test("runSuperNode gives up with a sentence when its retries are used up", async () => {
  const server = new GrpcServer({ maxMessageBytes: 1024 });
  const busy = () => Promise.reject(new StatusError("UNAVAILABLE", "Come back later."));
  server.add(defineService(Fleet, () => undefined, { registerNode: busy }));
  const superlink = await server.listen(LOOPBACK);
  const options = plain({ superlink, retryLimits: { maxRetries: 0 } });
  const error = await assertRejects(
    () => runSuperNode(options, { log: new LogLines().log }, new AbortController().signal),
    ExitError,
    "was not available in 1 try and 0.0 s (Come back later)",
  );
  assertEquals([error.exitCode, error.flowerCode], [1, 305]);
  await server.drain(1_000);
});

Deno.test("runSuperNode does not start when its health port is taken", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const options = plain({ healthAddress: { host: "127.0.0.1", port: taken.addr.port } });
  await assertRejects(
    () => runSuperNode(options, { log: new LogLines().log }, new AbortController().signal),
    Error,
    "Cannot listen on",
  );
});
