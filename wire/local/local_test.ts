import { assert, assertEquals, assertRejects } from "@std/assert";
import { create, toBinary } from "@bufbuild/protobuf";
import { Fleet, PullMessagesRequestSchema } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import type { ObservedCall } from "../observed_call.ts";
import { defineService, type Methods } from "../service.ts";
import { StatusError, type StatusName } from "../status.ts";
import { LocalChannel } from "./client.ts";
import { FRAME_KINDS, FrameWriter, readFrames } from "./frames.ts";
import type { LocalApi } from "./local_api.ts";
import { LocalServer } from "./server.ts";

const { method } = Fleet;
const MAX_BYTES = 4 * 1024 ** 2;

interface Stage {
  readonly api: LocalApi;
  readonly channel: LocalChannel;
  readonly server: LocalServer;
  readonly seen: ObservedCall[];
  readonly failures: string[];
}

async function withServer(
  methods: Methods<typeof Fleet, undefined>,
  play: (stage: Stage) => Promise<void>,
): Promise<void> {
  const seen: ObservedCall[] = [];
  const failures: string[] = [];
  const server = new LocalServer({
    maxMessageBytes: MAX_BYTES,
    onCall: (call) => seen.push(call),
    onInternalError: (name) => failures.push(name),
  });
  server.add(defineService(Fleet, () => undefined, methods));
  const api = server.listen();
  using channel = new LocalChannel(api);
  try {
    await play({ api, channel, server, seen, failures });
  } finally {
    await server.drain(0);
  }
}

async function statusOf(call: () => Promise<unknown>): Promise<StatusName> {
  return (await assertRejects(call, StatusError)).status;
}

Deno.test("local calls are answered as they end, whole, whatever their size", () =>
  withServer({
    pullObject: ({ objectId }) =>
      Promise.resolve({ objectContent: new Uint8Array(Number(objectId)).fill(7) }),
    pullMessages: (_, { signal }) =>
      new Promise((resolve) => signal.addEventListener("abort", () => resolve({}))),
  }, async ({ channel, seen }) => {
    const held = channel.unary(method.pullMessages, {}).catch(() => {});
    const sizes = [0, 1, 65_527, 65_536, 3_000_000];
    const answers = await Promise.all(
      sizes.map((size) => channel.unary(method.pullObject, { objectId: `${size}` })),
    );
    assertEquals(answers.map(({ objectContent }) => objectContent.length), sizes);
    assert(answers.every(({ objectContent }) => objectContent.every((byte) => byte === 7)));
    assertEquals(seen.map(({ transport, method, status }) => `${transport} ${method} ${status}`), [
      ...new Array(sizes.length).fill("local PullObject OK"),
    ]);
    channel[Symbol.dispose]();
    await held;
  }));

Deno.test("a local call that fails has the status of its service, and tells no more than that", () =>
  withServer({
    pullMessages: () => Promise.reject(new StatusError("PERMISSION_DENIED", "Not you.")),
    pushMessages: () => Promise.reject(new Error("a secret of the server")),
  }, async ({ channel, failures }) => {
    const refusal = await assertRejects(() => channel.unary(method.pullMessages, {}), StatusError);
    assertEquals([refusal.status, refusal.message], ["PERMISSION_DENIED", "Not you."]);
    const failure = await assertRejects(() => channel.unary(method.pushMessages, {}), StatusError);
    assertEquals([failure.status, failure.message], ["INTERNAL", "Internal server error."]);
    assertEquals(await statusOf(() => channel.unary(method.getRun, {})), "UNIMPLEMENTED");
    assertEquals(failures, ["flwr.proto.Fleet/PushMessages"]);
  }));

Deno.test("a local call that is given up ends at the server, too, and the others go on", async () => {
  const given = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const second = Promise.withResolvers<void>();
  let calls = 0;
  await withServer({
    pullMessages(_, { signal }) {
      const mine = given[calls++];
      if (calls === 2) second.resolve();
      return new Promise((resolve) =>
        signal.addEventListener("abort", () => {
          mine?.resolve();
          resolve({});
        })
      );
    },
    getRun: () => Promise.resolve({}),
  }, async ({ channel }) => {
    const late = () => channel.unary(method.pullMessages, {}, { timeoutMs: 100 });
    assertEquals(await statusOf(late), "DEADLINE_EXCEEDED");
    const stop = new AbortController();
    const stopped = channel.unary(method.pullMessages, {}, { signal: stop.signal });
    await second.promise;
    stop.abort();
    assertEquals(await statusOf(() => stopped), "CANCELLED");
    await Promise.all(given.map(({ promise }) => promise));
    await channel.unary(method.getRun, {});
  });
});

Deno.test("a local connection that is lost fails its calls, and the next one is made anew", () =>
  withServer({
    pullMessages: (_, { signal }) =>
      new Promise((resolve) => signal.addEventListener("abort", () => resolve({}))),
  }, async ({ api, channel, server }) => {
    const held = statusOf(() => channel.unary(method.pullMessages, {}));
    using other = new LocalChannel(api);
    await statusOf(() => other.unary(method.getRun, {}));
    await server.drain(0);
    assertEquals(await held, "UNAVAILABLE");
    assertEquals(await statusOf(() => other.unary(method.getRun, {})), "UNAVAILABLE");
  }));

Deno.test("a local API answers nobody without its key, and drops who does not keep to its frames", () =>
  withServer({ pullMessages: () => Promise.resolve({}) }, async ({ api, channel, seen }) => {
    const call = async (key: Uint8Array<ArrayBuffer>, length?: number) => {
      const { hostname, port } = { hostname: api.address.host, port: api.address.port };
      using connection = await Deno.connect({ hostname, port });
      try {
        await connection.write(key);
        const name = new TextEncoder().encode("flwr.proto.Fleet/PullMessages");
        const body = toBinary(PullMessagesRequestSchema, create(PullMessagesRequestSchema));
        const parts = length === undefined ? [body] : [new Uint8Array(length)];
        await new FrameWriter(connection)
          .write(FRAME_KINDS.call, 1, Uint8Array.of(name.length), name, ...parts);
        for await (const { kind } of readFrames(connection, 1_000)) return kind;
      } catch (error) {
        // Dropped while it still wrote.
        if (!(error instanceof Error)) throw error;
      }
      return "dropped";
    };
    assertEquals(await call(api.key), FRAME_KINDS.answer);
    assertEquals(await call(api.key.toReversed()), "dropped");
    assertEquals(await call(api.key, MAX_BYTES + 1_000), "dropped");
    assertEquals(seen.length, 1);
    await channel.unary(method.pullMessages, {});
  }));
