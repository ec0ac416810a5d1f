import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ServerAppIo } from "../../proto/gen/flwr/proto/serverappio_pb.ts";
import type { Address } from "../../wire/address.ts";
import { GrpcServer } from "../../wire/grpc/server.ts";
import { defineService } from "../../wire/service.ts";
import { StatusError, type StatusName } from "../../wire/status.ts";
import { appApi } from "./app_channel.ts";
import { AppCalls } from "./app_calls.ts";

const { method } = ServerAppIo;

/** A server that knows one node, or refuses. */
async function serve(address: Address, refusal?: StatusName) {
  const server = new GrpcServer({ maxMessageBytes: 64 * 1024 });
  const getNodes = () =>
    refusal === undefined
      ? Promise.resolve({ nodes: [{ nodeId: 5n }] })
      : Promise.reject(new StatusError(refusal, "No."));
  server.add(defineService(ServerAppIo, () => undefined, { getNodes }));
  return { server, address: await server.listen(address) };
}

const ANY_PORT = { host: "127.0.0.1", port: 0 };

Deno.test("a call waits for a server that went away, and tells so once", async () => {
  const { server, address } = await serve(ANY_PORT);
  const said: string[] = [];
  const lost = Promise.withResolvers<void>();
  using calls = new AppCalls({
    api: await appApi(address),
    say: (text) => {
      said.push(text);
      lost.resolve();
    },
  });
  const { signal } = new AbortController();
  await calls.make(method.getNodes, { runId: 1n }, signal);
  await server.drain(0);

  const both = [1n, 2n].map((runId) => calls.make(method.getNodes, { runId }, signal));
  await lost.promise;
  const again = await serve(address);
  const answers = await Promise.all(both);
  assertEquals(answers.map(({ nodes }) => nodes.length), [1, 1]);
  assertMatch(said[0] ?? "", /cannot be reached, trying again/);
  assertMatch(said[1] ?? "", /can be reached again/);
  assertEquals(said.length, 2);
  await again.server.drain(1_000);
});

Deno.test("a call that is refused is not made again", async () => {
  for (const status of ["PERMISSION_DENIED", "NOT_FOUND", "RESOURCE_EXHAUSTED"] as const) {
    const { server, address } = await serve(ANY_PORT, status);
    using calls = new AppCalls({ api: await appApi(address), say: () => {} });
    const { signal } = new AbortController();
    const error = await assertRejects(
      () => calls.make(method.getNodes, { runId: 1n }, signal),
      StatusError,
    );
    assertEquals(error.status, status);
    await server.drain(1_000);
  }
});

Deno.test("a call ends with the reason of its signal while it waits for the server", async () => {
  const { server, address } = await serve(ANY_PORT);
  const stop = new AbortController();
  using calls = new AppCalls({
    api: await appApi(address),
    say: () => stop.abort(new Error("enough")),
  });
  await calls.make(method.getNodes, { runId: 1n }, stop.signal);
  await server.drain(0);
  await assertRejects(
    () => calls.make(method.getNodes, { runId: 1n }, stop.signal),
    Error,
    "enough",
  );
  // grpc-js keeps the timer of its next attempt to connect for as long as nothing listens.
  const again = await serve(address);
  await calls.make(method.getNodes, { runId: 1n }, new AbortController().signal);
  await again.server.drain(1_000);
});
