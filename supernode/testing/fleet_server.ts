import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import type { Address } from "../../wire/address.ts";
import { GrpcServer } from "../../wire/grpc/server.ts";
import { defineService } from "../../wire/service.ts";
import type { FakeSuperLink } from "./fake_superlink.ts";
import { NODE_ID } from "./messages.ts";

/** Serves a fake SuperLink over gRPC; it takes every key for that of node 7. */
export async function serveFleet(
  { fleet }: FakeSuperLink,
): Promise<{ address: Address } & AsyncDisposable> {
  const never = new AbortController().signal;
  const server = new GrpcServer({ maxMessageBytes: 1024 ** 2 });
  server.add(defineService(Fleet, () => undefined, {
    registerNode: () => Promise.resolve({ nodeId: NODE_ID }),
    activateNode: () => Promise.resolve({ nodeId: NODE_ID }),
    deactivateNode: () => Promise.resolve({}),
    unregisterNode: () => Promise.resolve({}),
    sendNodeHeartbeat: () => Promise.resolve({ success: true }),
    pullMessages: (_, { signal }) => fleet.pullMessages(NODE_ID, [], signal),
    getRun: async ({ runId }) => ({ run: await fleet.getRun(NODE_ID, runId, never) }),
    getFab: async ({ runId, hashStr }) => ({
      fab: await fleet.getFab(NODE_ID, runId, hashStr, never),
    }),
    pullObject: ({ runId, objectId }) =>
      fleet.pullObject({ nodeId: NODE_ID, runId, objectId }, never),
    confirmMessageReceived: ({ runId, messageObjectId }) =>
      fleet.confirmMessageReceived({ nodeId: NODE_ID, runId, objectId: messageObjectId }, never)
        .then(() => ({})),
    pushMessages: ({ messagesList, messageObjectTrees, clientappRuntimeList }) =>
      fleet.pushMessages(
        NODE_ID,
        { messagesList, messageObjectTrees, clientappRuntimeList },
        never,
      ),
    pushObject: async ({ runId, objectId, objectContent, sessionId }) => ({
      stored: await fleet.pushObject(
        { nodeId: NODE_ID, runId, objectId },
        objectContent,
        sessionId,
        never,
      ),
    }),
  }));
  const address = await server.listen({ host: "127.0.0.1", port: 0 });
  return { address, [Symbol.asyncDispose]: () => server.drain(1_000) };
}
