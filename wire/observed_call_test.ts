import { assert, assertEquals, assertRejects } from "@std/assert";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  Fleet,
  PullMessagesRequestSchema,
  PullMessagesResponseSchema,
} from "../proto/gen/flwr/proto/fleet_pb.ts";
import { GrpcChannel } from "./grpc/client.ts";
import { GrpcServer } from "./grpc/server.ts";
import { httpHandler } from "./http/handler.ts";
import type { ObservedCall } from "./observed_call.ts";
import { defineService, type Service } from "./service.ts";
import { StatusError } from "./status.ts";

const REQUEST = create(PullMessagesRequestSchema, { messageIds: ["asked"] });
const ANSWER = create(PullMessagesResponseSchema, {});
const REQUEST_BYTES = toBinary(PullMessagesRequestSchema, REQUEST);

/** A Fleet service whose callers are called `caller`. */
function fleet(call: () => Promise<typeof ANSWER>, admit = () => "caller"): Service {
  return defineService(Fleet, admit, { pullMessages: call });
}

const answers = () => Promise.resolve(ANSWER);
const refuses = (): never => {
  throw new StatusError("UNAUTHENTICATED", "Who are you?");
};

/** How a call ends, and what is told of it. */
const CASES: [name: string, service: Service, expected: Partial<ObservedCall>][] = [
  ["an answered call", fleet(answers), {
    status: "OK",
    caller: "caller",
    bytesIn: REQUEST_BYTES.length,
    bytesOut: toBinary(PullMessagesResponseSchema, ANSWER).length,
  }],
  ["one that is refused on its headers", fleet(answers, refuses), {
    status: "UNAUTHENTICATED",
    caller: undefined,
    bytesIn: 0,
    bytesOut: 0,
  }],
  ["one that its method refuses", fleet(() => Promise.reject(refusesLater())), {
    status: "NOT_FOUND",
    caller: "caller",
    bytesIn: REQUEST_BYTES.length,
    bytesOut: 0,
  }],
  ["one that fails", fleet(() => Promise.reject(new Error("Disk."))), { status: "INTERNAL" }],
];

function refusesLater(): StatusError {
  return new StatusError("NOT_FOUND", "Not here.");
}

function requireTold(told: readonly ObservedCall[], expected: Partial<ObservedCall>): void {
  assertEquals(told.length, 1);
  const [call] = told;
  assert(call && call.durationMs >= 0);
  const all = { service: "flwr.proto.Fleet", method: "PullMessages", ...expected };
  assertEquals(call, { ...call, ...all });
}

for (const [name, service, expected] of CASES) {
  Deno.test(`GrpcServer tells of ${name} once`, async () => {
    const told: ObservedCall[] = [];
    const server = new GrpcServer({ maxMessageBytes: 1000, onCall: (call) => told.push(call) });
    server.add(service);
    const channel = new GrpcChannel(await server.listen({ host: "127.0.0.1", port: 0 }), {
      insecure: true,
    });
    try {
      const call = channel.unary(Fleet.method.pullMessages, REQUEST);
      if (expected.status === "OK") await call;
      else await assertRejects(() => call, StatusError);
    } finally {
      channel.close();
      await server.drain(5_000);
    }
    requireTold(told, { transport: "grpc", ...expected });
  });

  Deno.test(`httpHandler() tells of ${name} once`, async () => {
    const told: ObservedCall[] = [];
    const handler = httpHandler({
      bindings: [{ service, maxMessageBytes: 1000 }],
      onCall: (call) => told.push(call),
    });
    const request = new Request("http://superlink/v1/fleet/pull-messages", {
      method: "POST",
      headers: { "content-type": "application/protobuf" },
      body: new Uint8Array(REQUEST_BYTES),
    });
    await (await handler(request, "192.0.2.1:5")).body?.cancel();
    requireTold(told, { transport: "http", ...expected });
  });
}
