/**
 * What ClientApp processes of Flower 1.30 and newer call, and the SuperExecs that start them: a message
 * is a task, and its token comes in the headers. One implementation for the API's three names (the
 * ClientAppIo API up to 1.33, Runtime over gRPC in 1.34 and over HTTP from 1.35 on).
 *
 * @module
 */

import { type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type RuntimeCaller, seekerOf, taskOf } from "../../apps/runtime/caller.ts";
import { logTaskUsage } from "../../apps/runtime/task_usage.ts";
import {
  AcquireTaskRequestSchema,
  ClaimTaskRequestSchema,
  PullPendingTasksRequestSchema,
  type Runtime,
} from "../../proto/gen/flwr1_41/proto/runtime_pb.ts";
import type { TaskSchema } from "../../proto/gen/flwr1_41/proto/task_pb.ts";
import type { Log } from "../../terminal/log.ts";
import { flowerError } from "../../wire/flower_error.ts";
import type { Call, Methods } from "../../wire/service.ts";
import type { ObjectStore } from "../work/object_store.ts";
import type { ClientApps } from "./client_apps.ts";
import { pullObject, putObject } from "./object_methods.ts";
import type { Task } from "./task.ts";

/** What the methods work on. */
export interface TaskMethodsOptions {
  readonly apps: ClientApps;
  readonly objects: ObjectStore;
  readonly log: Log;
  /** How long a call waits for what it asks for. */
  readonly holdMs: number;
}

/** A caller that gave a token or a proof in its headers, or neither. */
type AnyCall = Call<RuntimeCaller | undefined>;

/** The type of a message's task, which is the name of the program that it is started with. */
const TASK_TYPE = "flwr-clientapp";

/** Makes the methods. */
export function taskMethods({ apps, objects, log, holdMs }: TaskMethodsOptions) {
  // TypeScript apps have another program, which asks the API of Flower 1.25.
  const pending = () => apps.pending().filter(({ run }) => run.runtime === "python");

  return {
    async pullPendingTasks(request, call: AnyCall) {
      await seekerOf(call).proof?.requireFor(toBinary(PullPendingTasksRequestSchema, request));
      return { tasks: pending().map(taskView) };
    },

    async claimTask(request, call: AnyCall) {
      await seekerOf(call).proof?.requireFor(toBinary(ClaimTaskRequestSchema, request));
      return { token: apps.claim(request.taskId) ?? "" };
    },

    async acquireTask(request, call: AnyCall) {
      const { proof, patienceMs } = seekerOf(call);
      await proof?.requireFor(toBinary(AcquireTaskRequestSchema, request));
      if (!request.supportedTaskTypes.includes(TASK_TYPE)) return {};
      let [task] = pending();
      if (!task) {
        await apps.untilPending(Math.min(holdMs, patienceMs), call.signal);
        [task] = pending();
      }
      const token = task && !call.signal.aborted ? apps.claim(task.taskId) : undefined;
      return task && token !== undefined ? { task: taskView(task), token } : {};
    },

    sendTaskHeartbeat(_request, call: AnyCall) {
      return Promise.resolve({ success: apps.heartbeat(taskOf(call).token) });
    },

    pullTaskInput(_request, call: AnyCall) {
      const { taskId, run: { context, run, fab } } = apps.begin(taskOf(call).token);
      return Promise.resolve({ context, run, fab, taskId });
    },

    pullMessages(_request, call: AnyCall) {
      const { message, tree } = apps.takeMessage(taskOf(call).token);
      return Promise.resolve({ messagesList: [message], messageObjectTrees: [tree] });
    },

    pushMessages({ messagesList, messageObjectTrees }, call: AnyCall) {
      const { token, runId } = taskOf(call);
      const [message] = messagesList;
      const [tree] = messageObjectTrees;
      if (messagesList.length !== 1 || messageObjectTrees.length !== 1) {
        throw flowerError("invalidMessageCount");
      }
      if (message?.metadata?.runId !== runId) throw flowerError("messageOfAnotherRun");
      const objectsToPush = apps.pushReply(token, message, tree);
      // Objects are known by their run, so that nothing is to be said of a session.
      return Promise.resolve({ messageIds: [message.metadata.messageId], objectsToPush });
    },

    pushObject({ objectId, objectContent }, call: AnyCall) {
      const stored = putObject({ apps, objects }, taskOf(call).runId, objectId, objectContent);
      return Promise.resolve({ stored });
    },

    pullObject({ objectId }, call: AnyCall) {
      const { runId, patienceMs } = taskOf(call);
      return pullObject(objects, runId, objectId, Math.min(holdMs, patienceMs), call.signal);
    },

    confirmMessageReceived({ messageObjectId }, call: AnyCall) {
      const { metadata } = apps.takeMessage(taskOf(call).token);
      if (messageObjectId === metadata.messageId) objects.retire(messageObjectId);
      return Promise.resolve({});
    },

    pushTaskOutput({ context, subStatus, details }, call: AnyCall) {
      const { token, runId } = taskOf(call);
      if (subStatus === "failed") {
        log.warning("app.failed", `The ClientApp of run ${runId} says that it failed.`, {
          runId: `${runId}`,
          details,
        });
      }
      apps.finish(token, context, details);
      return Promise.resolve({});
    },

    /** What a ClientApp prints goes where this program prints; none is known that sends it here. */
    pushLogs({ logs }, call: AnyCall) {
      const { runId } = taskOf(call);
      log.info("app.log", logs.join("").trimEnd(), { runId: `${runId}` });
      return Promise.resolve({});
    },

    recordTaskUsage({ taskUsage }, call: AnyCall) {
      logTaskUsage(log, taskOf(call).runId, taskUsage);
      return Promise.resolve({});
    },

    /** Nobody follows events at a node: they are for the agents there, and for what they send on. */
    pushTaskEvents: () => Promise.resolve({}),
    getRunSeriesEvents: () => Promise.resolve({ events: [] }),

    /** A message has one task, so there is none to send to or to hear from. */
    pushTaskMessage() {
      throw flowerError("invalidTaskMessage");
    },
    pullTaskMessage: () => Promise.resolve({ messages: [] }),

    /** Only agents make tasks of their own. */
    createTask() {
      throw flowerError("taskCreationNotAllowed");
    },

    /** A ClientApp does not know of other nodes. */
    getNodes() {
      throw flowerError("notForClientApps");
    },
  } satisfies Methods<typeof Runtime, RuntimeCaller | undefined>;
}

function taskView({ taskId, run: { run } }: Task): MessageInitShape<typeof TaskSchema> {
  const { runId, fabHash } = run;
  return { taskId, type: TASK_TYPE, runId, status: { status: "pending" }, fabHash };
}
