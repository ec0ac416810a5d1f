/**
 * The local APIs of a SuperNode for its ClientApps: ClientAppIo over gRPC, Runtime over gRPC (Flower
 * 1.34) and over HTTP (1.35 and newer). Where Flower's versions differ in a call, the difference is
 * here: in its name, and in where its token is.
 *
 * @module
 */

import {
  type RuntimeCaller,
  runtimeCaller,
  TASK_TOKEN_HEADER,
  type TaskSeekers,
} from "../../apps/runtime/caller.ts";
import type { PushAppOutputsRequest } from "../../proto/gen/flwr/proto/appio_pb.ts";
import { ClientAppIo } from "../../proto/gen/flwr/proto/clientappio_pb.ts";
import { Runtime as GrpcRuntime } from "../../proto/gen/flwr/proto/runtime_pb.ts";
import { Runtime } from "../../proto/gen/flwr1_41/proto/runtime_pb.ts";
import { CARRY_BYTES, CarryRoom } from "../../records/carry_room.ts";
import { postOrder } from "../../records/object_tree.ts";
import { flowerError } from "../../wire/flower_error.ts";
import { defineService, type IncomingCall, type Service } from "../../wire/service.ts";
import type { NodeRun } from "../work/node_runs.ts";
import { pullObject, putObject } from "./object_methods.ts";
import { taskMethods, type TaskMethodsOptions } from "./task_methods.ts";

/** What the services work on. */
export interface ClientAppServicesOptions extends TaskMethodsOptions {
  readonly runOf: (runId: bigint) => NodeRun | undefined;
  /** Who may look for messages that wait for a process. */
  readonly seekers: TaskSeekers;
}

/** The services, by how they are bound. */
export interface ClientAppServices {
  readonly grpc: readonly Service[];
  readonly http: Service;
}

const { method } = ClientAppIo;
/** The calls of ClientAppIo that have their token or proof in the headers (Flower 1.30 to 1.33). */
const TASK_METHODS: ReadonlySet<string> = new Set([
  method.pullPendingTasks,
  method.claimTask,
  method.sendTaskHeartbeat,
  method.pullTaskInput,
  method.pushTaskOutput,
  method.pushLogs,
  method.pullMessages,
  method.pushMessages,
].map(({ name }) => name));
/** The calls of a SuperExec up to Flower 1.29, which proves nothing. */
const OPEN_TO_SEEKERS: ReadonlySet<string> = new Set([
  method.listAppsToLaunch.name,
  method.requestToken.name,
]);

/** Makes the services. */
export function clientAppServices(options: ClientAppServicesOptions): ClientAppServices {
  const { apps, objects, runOf, seekers, holdMs } = options;
  const admission = { seekers, runOfToken: (token: string) => apps.runIdOf(token) };
  const tasks = taskMethods(options);
  const admit = (call: IncomingCall) => runtimeCaller(call, admission);
  const getRun = ({ runId }: { readonly runId: bigint }) => {
    const known = runOf(runId);
    return Promise.resolve(known ? { run: known.run } : {});
  };

  const clientAppIo = defineService(ClientAppIo, admitToClientAppIo, {
    ...tasks,
    getRun,

    listAppsToLaunch: () =>
      Promise.resolve({ runIds: apps.pending().map(({ run }) => run.run.runId) }),
    requestToken: ({ runId }) => Promise.resolve({ token: apps.requestToken(runId) ?? "" }),
    sendAppHeartbeat: ({ token }) => Promise.resolve({ success: apps.heartbeat(token) }),
    pullClientAppInputs: pullInputs,
    pullAppInputs: pullInputs,
    pushClientAppOutputs: pushOutputs,
    pushAppOutputs: pushOutputs,

    pullMessage({ token, carryBytes }, { caller }) {
      const { message, tree } = apps.takeMessage(tokenOf(caller, token));
      const ids = postOrder(tree).map(({ objectId }) => objectId);
      const runId = message.metadata?.runId ?? 0n;
      return Promise.resolve({
        messagesList: [message],
        messageObjectTrees: [tree],
        carriedObjects: objects.carried(runId, ids, new CarryRoom(carryBytes)),
      });
    },
    pushMessage(request, { caller }) {
      const [tree] = caller ? request.taskObjectTrees : request.messageObjectTrees;
      const [message] = request.messagesList;
      const runId = message?.metadata?.runId ?? 0n;
      const wanted = new Set(apps.pushReply(tokenOf(caller, request.token), message, tree));
      for (const { objectId, content } of request.carriedObjects) {
        if (wanted.has(objectId) && putObject(options, runId, objectId, content)) {
          wanted.delete(objectId);
        }
      }
      return Promise.resolve({ objectsToPush: [...wanted] });
    },

    // As in Flower, objects are known by their run and id where no token guards them, so the API
    // listens on loopback unless the operator says otherwise.
    pushObject(request, call) {
      if (call.caller) return tasks.pushObject(request, call);
      const { runId, objectId, objectContent } = request;
      return Promise.resolve({
        stored: putObject(options, runId, objectId, objectContent),
      });
    },
    pullObject(request, call) {
      if (call.caller) return tasks.pullObject(request, call);
      return pullObject(objects, request.runId, request.objectId, holdMs, call.signal);
    },
    confirmMessageReceived(request, call) {
      if (call.caller) return tasks.confirmMessageReceived(request, call);
      objects.retire(request.messageObjectId);
      return Promise.resolve({});
    },
  });

  async function admitToClientAppIo(call: IncomingCall): Promise<RuntimeCaller | undefined> {
    const hasTaskToken = call.headers.text(TASK_TOKEN_HEADER) !== undefined;
    if (TASK_METHODS.has(call.method) || hasTaskToken) {
      return await runtimeCaller(call, { ...admission, api: ClientAppIo.name });
    }
    // Else the secret would be of no use.
    const needsProof = seekers !== "anybody" && seekers !== "nobody";
    if (needsProof && OPEN_TO_SEEKERS.has(call.method)) throw flowerError("taskNotAuthenticated");
    return undefined;
  }

  function pullInputs({ token }: { readonly token: string }) {
    const { context, run, fab } = apps.taskOf(token).run;
    return Promise.resolve({ context, run, fab, carryBytes: BigInt(CARRY_BYTES) });
  }

  function pushOutputs({ token, context }: PushAppOutputsRequest) {
    apps.finish(token, context);
    return Promise.resolve({});
  }

  return {
    grpc: [clientAppIo, defineService(GrpcRuntime, admit, { ...tasks, getRun })],
    http: defineService(Runtime, admit, tasks),
  };
}

/** From Flower 1.30 on it is in the headers. */
function tokenOf(caller: RuntimeCaller | undefined, token: string): string {
  return caller?.kind === "task" ? caller.token : token;
}
