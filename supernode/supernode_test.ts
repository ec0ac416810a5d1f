import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { StartApp } from "../apps/app_starter.ts";
import { Fleet } from "../proto/gen/flwr/proto/fleet_pb.ts";
import {
  Health,
  HealthCheckResponse_ServingStatus,
} from "../proto/gen/grpc/health/v1/health_pb.ts";
import { inflateMessage } from "../records/inflate.ts";
import { MetricRecord } from "../records/metric_record.ts";
import { LogLines } from "../superlink/testing/log_lines.ts";
import { startTestSuperLink } from "../superlink/testing/test_superlink.ts";
import { parseCommand } from "../terminal/command.ts";
import { ExitError } from "../terminal/errors.ts";
import type { Address } from "../wire/address.ts";
import { GrpcChannel } from "../wire/grpc/client.ts";
import { GrpcServer } from "../wire/grpc/server.ts";
import { defineService } from "../wire/service.ts";
import { StatusError } from "../wire/status.ts";
import { supernodeSpec } from "./flags.ts";
import { supernodeOptions } from "./options.ts";
import { runSuperNode } from "./supernode.ts";
import { GENERATIONS } from "./testing/client_app_calls.ts";
import { type Misdeed, startFakeClientApp } from "./testing/fake_client_app.ts";
import { FakeSuperLink } from "./testing/fake_superlink.ts";
import { serveFleet } from "./testing/fleet_server.ts";
import { makeInstruction } from "./testing/messages.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };

/** Starts a SuperNode with the options of a command line, on a free port. */
async function startNode(superlink: Address, args: string[] = [], startApp?: StartApp) {
  const logged = new LogLines();
  const stop = new AbortController();
  const { flags } = parseCommand(supernodeSpec, ["--insecure", ...args]);
  const options = { ...await supernodeOptions(flags), superlink };
  const ended = runSuperNode(options, { log: logged.log, startApp }, stop.signal);
  const end = async () => {
    await logged.untilLogged("node.joined");
    stop.abort("SIGTERM");
    await ended;
  };
  return { logged, ended, end };
}

Deno.test("runSuperNode joins a SuperLink, says so, and leaves when it is stopped", async () => {
  await using superlink = await startTestSuperLink();
  const { logged, end } = await startNode(superlink.fleetAddress);
  await end();
  assertEquals(logged.of("node.left")[0]?.nodeId, logged.of("node.joined")[0]?.nodeId);
});

for (const generation of GENERATIONS) {
  Deno.test(
    `runSuperNode has ClientApps of Flower ${generation} answer, with a context that lasts`,
    async () => {
      const superlink = new FakeSuperLink();
      superlink.held = true;
      await using served = await serveFleet(superlink);
      const startApp: StartApp = (_runtime, launch) =>
        Promise.resolve(startFakeClientApp(launch, { generation }));
      const { end } = await startNode(served.address, [], startApp);
      for (let count = 1; count <= 3; count++) {
        superlink.send(makeInstruction(BigInt(count)));
        await superlink.untilReplies(count);
      }
      await end();
      const counts = superlink.replies.map(({ metadata }) => {
        const { content } = inflateMessage(metadata?.messageId ?? "", superlink.objects);
        const metrics = content?.get("metrics");
        return metrics instanceof MetricRecord && metrics.get("value");
      });
      assertEquals(counts, [1n, 2n, 3n]);
    },
  );
}

Deno.test("runSuperNode answers for ClientApps that die, and for one that hangs at its end", async () => {
  const superlink = new FakeSuperLink();
  superlink.held = true;
  await using served = await serveFleet(superlink);
  const misdeeds: Misdeed[] = ["dies", "hangs"];
  const hanging = Promise.withResolvers<void>();
  const startApp: StartApp = (_runtime, launch) =>
    Promise.resolve(
      startFakeClientApp(launch, { misdeed: misdeeds.shift(), onHang: hanging.resolve }),
    );
  const { end } = await startNode(served.address, ["--stop-grace", "0"], startApp);
  superlink.send(makeInstruction(1n));
  await superlink.untilReplies(1);
  superlink.send(makeInstruction(2n));
  await hanging.promise;
  await end();
  const reasons = superlink.replies.map(({ error }) => error?.reason ?? "");
  assertStringIncludes(reasons[0] ?? "", "exit code 137");
  assertStringIncludes(reasons[1] ?? "", "The SuperNode was stopped");
});

Deno.test("runSuperNode serves the health service while it runs", async () => {
  await using superlink = await startTestSuperLink();
  const args = ["--health-server-address", "127.0.0.1:0"];
  const { logged, end } = await startNode(superlink.fleetAddress, args);
  const { address } = await logged.untilLogged("supernode.health");
  const port = Number(String(address).split(":")[1]);
  const channel = new GrpcChannel({ host: "127.0.0.1", port }, { insecure: true });
  const { status } = await channel.unary(Health.method.check, { service: "anything" });
  assertEquals(status, HealthCheckResponse_ServingStatus.SERVING);
  channel.close();
  await end();
});

Deno.test("runSuperNode warns when others can reach its ClientAppIo API", async () => {
  await using superlink = await startTestSuperLink();
  const args = ["--clientappio-api-address", "0.0.0.0:0"];
  const { logged, end } = await startNode(superlink.fleetAddress, args);
  await end();
  assertEquals(logged.of("supernode.clientappio_open").length, 1);
});

Deno.test("runSuperNode gives up with a sentence when its retries are used up", async () => {
  const server = new GrpcServer({ maxMessageBytes: 1024 });
  const busy = () => Promise.reject(new StatusError("UNAVAILABLE", "Come back later."));
  server.add(defineService(Fleet, () => undefined, { registerNode: busy }));
  const { ended } = await startNode(await server.listen(LOOPBACK), ["--max-retries", "0"]);
  const words = "was not available in 1 try and";
  const error = await assertRejects(() => ended, ExitError, words);
  assertEquals([error.exitCode, error.flowerCode], [1, 305]);
  await server.drain(1_000);
});

Deno.test("runSuperNode says why nothing answered when its retries are used up", async () => {
  const gone = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = gone.addr;
  gone.close();
  const { ended } = await startNode({ host: "127.0.0.1", port }, ["--max-retries", "0"]);
  await assertRejects(() => ended, ExitError, `(Nothing listens on 127.0.0.1:${port}).`);
});

Deno.test("runSuperNode does not start when a port of its own is taken", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${taken.addr.port}`;
  for (const flag of ["--health-server-address", "--clientappio-api-address"]) {
    const { ended } = await startNode(LOOPBACK, [flag, address]);
    await assertRejects(() => ended, Error, "Cannot listen on");
  }
});
