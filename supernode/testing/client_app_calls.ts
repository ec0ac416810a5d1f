/**
 * The calls that a ClientApp makes of its SuperNode, as each generation of Flower makes them.
 *
 * @module
 */

import type { AppLaunch } from "../../apps/app_process.ts";
import { ClientAppIo } from "../../proto/gen/flwr/proto/clientappio_pb.ts";
import type { Context, Message, ObjectTree } from "../../proto/gen/flwr/proto/message_pb.ts";
import type { Run } from "../../proto/gen/flwr/proto/run_pb.ts";
import { Runtime as GrpcRuntime } from "../../proto/gen/flwr/proto/runtime_pb.ts";
import { Runtime } from "../../proto/gen/flwr1_41/proto/runtime_pb.ts";
import { GrpcChannel } from "../../wire/grpc/client.ts";
import { HttpChannel } from "../../wire/http/client.ts";

/** What a ClientApp is to work on. */
export interface Inputs {
  readonly context?: Context | undefined;
  readonly run?: Run | undefined;
}

/** A message, or none, with the tree of its objects. */
export interface Pulled {
  readonly messagesList: Message[];
  readonly messageObjectTrees: ObjectTree[];
}

/** An object of a run. */
export interface ObjectName {
  readonly runId: bigint;
  readonly objectId: string;
}

/** One generation's calls; the token travels as it does there. */
export interface ClientAppCalls {
  heartbeat(): Promise<{ readonly success: boolean }>;
  pullInputs(): Promise<Inputs>;
  pullMessage(): Promise<Pulled>;
  pullObject(name: ObjectName): Promise<{ objectAvailable: boolean; objectContent: Uint8Array }>;
  confirm(name: ObjectName): Promise<unknown>;
  pushMessage(message: Message, tree: ObjectTree): Promise<{ objectsToPush: string[] }>;
  pushObject(name: ObjectName, content: Uint8Array): Promise<{ stored: boolean }>;
  pushOutputs(context: Context): Promise<unknown>;
  close(): void;
}

/** The first release that calls so, over gRPC up to 1.34. */
export const GENERATIONS = ["1.25", "1.26", "1.30", "1.32", "1.34", "1.35"] as const;

/** A generation of Flower, by the first release that calls so. */
export type Generation = typeof GENERATIONS[number];

/** Opens the calls of a generation with a token. */
export function clientAppCalls(generation: Generation, launch: AppLaunch): ClientAppCalls {
  switch (generation) {
    case "1.25":
    case "1.26":
      return callsByRun(generation, launch);
    case "1.30":
    case "1.32":
      return callsByTask(ClientAppIo, generation === "1.30", openGrpc(launch), launch);
    case "1.34":
      return callsByTask(GrpcRuntime, false, openGrpc(launch), launch);
    case "1.35":
      return callsByTask(
        Runtime,
        false,
        new HttpChannel(launch.runtimeAddress!, { insecure: true }),
        launch,
      );
  }
}

function openGrpc({ apiAddress }: AppLaunch): GrpcChannel {
  return new GrpcChannel(apiAddress, { insecure: true });
}

/** Up to Flower 1.29: the token is in the requests. */
function callsByRun(generation: "1.25" | "1.26", launch: AppLaunch): ClientAppCalls {
  const { method } = ClientAppIo;
  const { token } = launch;
  const channel = openGrpc(launch);
  const renamed = generation === "1.26";
  return {
    heartbeat: () => channel.unary(method.sendAppHeartbeat, { token }),
    pullInputs: () =>
      channel.unary(renamed ? method.pullAppInputs : method.pullClientAppInputs, { token }),
    pullMessage: () => channel.unary(method.pullMessage, { token }),
    pullObject: (name) => channel.unary(method.pullObject, name),
    confirm: ({ runId, objectId }) =>
      channel.unary(method.confirmMessageReceived, { runId, messageObjectId: objectId }),
    pushMessage: (message, tree) =>
      channel.unary(method.pushMessage, {
        token,
        messagesList: [message],
        messageObjectTrees: [tree],
      }),
    pushObject: (name, objectContent) =>
      channel.unary(method.pushObject, { ...name, objectContent }),
    pushOutputs: (context) =>
      channel.unary(renamed ? method.pushAppOutputs : method.pushClientAppOutputs, {
        token,
        context,
      }),
    close: () => channel.close(),
  };
}

/** From Flower 1.30 on: the token is in the headers, and says of which run things are. */
function callsByTask(
  { method }: typeof ClientAppIo | typeof GrpcRuntime | typeof Runtime,
  oldNames: boolean,
  channel: GrpcChannel | HttpChannel,
  { token }: AppLaunch,
): ClientAppCalls {
  const options = { headers: { text: { "flwr-task-token": token } } };
  const old = ClientAppIo.method;
  return {
    heartbeat: () => channel.unary(method.sendTaskHeartbeat, {}, options),
    pullInputs: () => channel.unary(method.pullTaskInput, {}, options),
    pullMessage: () =>
      oldNames
        ? channel.unary(old.pullMessage, {}, options)
        : channel.unary(method.pullMessages, {}, options),
    pullObject: ({ objectId }) => channel.unary(method.pullObject, { objectId }, options),
    confirm: ({ objectId }) =>
      channel.unary(method.confirmMessageReceived, { messageObjectId: objectId }, options),
    pushMessage: (message, tree) =>
      oldNames
        ? channel.unary(
          old.pushMessage,
          { messagesList: [message], taskObjectTrees: [tree] },
          options,
        )
        : channel.unary(
          method.pushMessages,
          { messagesList: [message], messageObjectTrees: [tree] },
          options,
        ),
    pushObject: ({ objectId }, objectContent) =>
      channel.unary(method.pushObject, { objectId, objectContent }, options),
    pushOutputs: (context) =>
      channel.unary(method.pushTaskOutput, { context, subStatus: "completed" }, options),
    close: () => channel.close(),
  };
}
