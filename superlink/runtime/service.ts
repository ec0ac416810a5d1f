/**
 * The Runtime API: what app processes of Flower 1.35 to 1.42 ask of a SuperLink over HTTP.
 *
 * A task is a view of a run: each run has one, with the run's id, and the token of the task is the
 * run's. So a run is started once, whichever API it is asked for, and a token of one API is none of
 * the other's concern.
 *
 * @module
 */

import { type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type RuntimeCaller,
  runtimeCaller,
  seekerOf,
  type TaskCaller,
  taskOf,
  type TaskSeekers,
} from "../../apps/runtime/caller.ts";
import { logTaskUsage } from "../../apps/runtime/task_usage.ts";
import { formatTimestamp } from "../../keys/timestamp.ts";
import {
  AcquireTaskRequestSchema,
  ClaimTaskRequestSchema,
  PullPendingTasksRequestSchema,
  Runtime,
} from "../../proto/gen/flwr1_41/proto/runtime_pb.ts";
import type { TaskSchema } from "../../proto/gen/flwr1_41/proto/task_pb.ts";
import { SUPERLINK_NODE_ID } from "../../records/metadata.ts";
import type { Log } from "../../terminal/log.ts";
import { type Call, defineService, type Service } from "../../wire/service.ts";
import { flowerError } from "../../wire/flower_error.ts";
import { StatusError } from "../../wire/status.ts";
import { heldReplies, repliesView } from "../apps/held_replies.ts";
import { type Bells, topics } from "../bells.ts";
import type { Clock } from "../clock.ts";
import type { Messages } from "../messages/messages.ts";
import { orInvalid } from "../messages/or_invalid.ts";
import { pullObjectResponse } from "../messages/pull_object.ts";
import type { Fabs } from "../runs/fabs.ts";
import { notRunningText, parseRunEnd } from "../runs/run_life.ts";
import type { Runs } from "../runs/runs.ts";
import { eventNumber, taskEventView } from "../runs/task_event_view.ts";
import type { RunRow } from "../state/layout.ts";
import type { Nodes } from "../state/nodes.ts";
import { nodeInfo141, runView141 } from "../views_1_41.ts";

/** What the Runtime service works on. */
export interface RuntimeServiceOptions {
  readonly seekers: TaskSeekers;
  readonly runs: Runs;
  readonly fabs: Fabs;
  readonly messages: Messages;
  readonly nodes: Nodes;
  readonly bells: Bells;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a call waits for what it asks for, in milliseconds. */
  readonly holdMs: number;
}

/** The type of a run's task, which is the name of the program that it is started with. */
const TASK_TYPE = "flwr-serverapp";

/** Makes the Runtime service. */
export function runtimeService(options: RuntimeServiceOptions): Service {
  const { runs, fabs, messages, nodes, bells, clock, log, seekers } = options;
  const runOfToken = async (token: string) => (await runs.ofToken(token, clock.nowMicros()))?.runId;
  const holdMs = ({ patienceMs }: RuntimeCaller) => Math.min(options.holdMs, patienceMs);

  /** Asked again after each wait: a run that is stopped takes its app's token away. */
  const requireTask = async ({ token }: TaskCaller): Promise<RunRow> => {
    const row = await runs.ofToken(token, clock.nowMicros());
    if (row) return row;
    throw flowerError("taskNotAuthenticated");
  };
  const requireRunning = async (caller: TaskCaller): Promise<RunRow> => {
    const row = await requireTask(caller);
    const text = notRunningText(row);
    if (text !== undefined) throw new StatusError("PERMISSION_DENIED", text);
    return row;
  };
  const requireSuperLinkNode = (nodeId: bigint | undefined) => {
    if (nodeId !== SUPERLINK_NODE_ID) throw flowerError("unexpectedNodeId");
  };
  const pending = async () => (await runs.open()).filter(isPendingTask);

  return defineService(Runtime, (call) => runtimeCaller(call, { seekers, runOfToken }), {
    async pullPendingTasks(request, call: Call<RuntimeCaller>) {
      await seekerOf(call).proof?.requireFor(toBinary(PullPendingTasksRequestSchema, request));
      return { tasks: (await pending()).map(taskView) };
    },

    async claimTask(request, call: Call<RuntimeCaller>) {
      await seekerOf(call).proof?.requireFor(toBinary(ClaimTaskRequestSchema, request));
      const row = await runs.get(request.taskId);
      if (!row || !isPendingTask(row)) return {};
      return { token: await runs.claimTask(row.runId, clock.nowMicros()) ?? "" };
    },

    async acquireTask(request, call: Call<RuntimeCaller>) {
      const { signal, caller } = call;
      await seekerOf(call).proof?.requireFor(toBinary(AcquireTaskRequestSchema, request));
      if (!request.supportedTaskTypes.includes(TASK_TYPE)) return {};
      const deadlineMs = Date.now() + holdMs(caller);
      using listener = await bells.listen(topics.pendingRuns);
      for (;;) {
        for (const row of await pending()) {
          if (signal.aborted) return {};
          const token = await runs.claimTask(row.runId, clock.nowMicros());
          if (token !== undefined) return { task: taskView(row), token };
        }
        if (await listener.wait(deadlineMs, signal) !== "rung") return {};
      }
    },

    async sendTaskHeartbeat(_request, call: Call<RuntimeCaller>) {
      return { success: await runs.heartbeat(taskOf(call).token, clock.nowMicros()) };
    },

    async pullTaskInput(_request, call: Call<RuntimeCaller>) {
      const before = await requireTask(taskOf(call));
      const { runId, fabHash } = before;
      const content = await fabs.get(fabHash);
      if (!content) throw flowerError("taskCannotStart");
      // An app whose answer was lost asks again, with the same token.
      const row = await runs.startRunning(runId, clock.nowMicros());
      if (!row && before.status !== "running") throw flowerError("taskCannotStart");
      return {
        context: { runId, nodeId: SUPERLINK_NODE_ID, state: {}, seriesId: runId },
        run: runView141(before),
        fab: { hashStr: fabHash, content },
        taskId: runId,
      };
    },

    async pushTaskOutput({ subStatus, details }, call: Call<RuntimeCaller>) {
      const { runId } = taskOf(call);
      const end = parseRunEnd(subStatus);
      const row = end && await runs.finish(runId, clock.nowMicros(), end, details);
      if (row) return {};
      throw new StatusError("FAILED_PRECONDITION", `The task cannot end as "${subStatus}" now.`);
    },

    async pushLogs({ logs }, call: Call<RuntimeCaller>) {
      await runs.appendLog(taskOf(call).runId, logs.join(""), clock.nowMicros());
      return {};
    },

    async getNodes(_request, call: Call<RuntimeCaller>) {
      await requireRunning(taskOf(call));
      await nodes.presence.expireDue(clock.nowMicros());
      const onlineIds = await nodes.onlineIds();
      const online = await Promise.all(onlineIds.map((nodeId) => nodes.get(nodeId)));
      return { nodes: online.flatMap((node) => node ? [nodeInfo141(node)] : []) };
    },

    async pushMessages({ messagesList, messageObjectTrees }, call: Call<RuntimeCaller>) {
      const caller = taskOf(call);
      const require = () => requireRunning(caller);
      await require();
      const now = clock.nowMicros();
      return await orInvalid(() =>
        messages.pushInstructions(caller.runId, messagesList, messageObjectTrees, now, require)
      );
    },

    async pullMessages({ messageIds }, call: Call<RuntimeCaller>) {
      const { signal } = call;
      const caller = taskOf(call);
      const { runId } = caller;
      const require = () => requireRunning(caller);
      const pull = { runId, messageIds, holdMs: holdMs(caller), signal, require };
      return repliesView(await heldReplies(options, pull));
    },

    async pushObject({ node, objectId, objectContent }, call: Call<RuntimeCaller>) {
      const { runId } = await requireRunning(taskOf(call));
      requireSuperLinkNode(node?.nodeId);
      return { stored: await messages.putObject(runId, objectId, objectContent) };
    },

    async pullObject({ node, objectId }, call: Call<RuntimeCaller>) {
      const { runId } = await requireRunning(taskOf(call));
      requireSuperLinkNode(node?.nodeId);
      return pullObjectResponse(await messages.getObject(runId, objectId));
    },

    async confirmMessageReceived({ messageObjectId }, call: Call<RuntimeCaller>) {
      const { runId } = await requireRunning(taskOf(call));
      await messages.answers.confirmByApp(runId, messageObjectId);
      return {};
    },

    async pushTaskEvents({ events }, call: Call<RuntimeCaller>) {
      const { runId } = taskOf(call);
      if (events.length === 0 || await runs.appendEvents(runId, events, clock.nowMicros())) {
        return {};
      }
      // Flower keeps the reason to itself, so that no app ends for it.
      log.warning("run.events", `Events of run ${runId} are not kept: too many, or no JSON.`, {
        runId: String(runId),
      });
      return {};
    },

    /** Each run is a series of its own. */
    async getRunSeriesEvents(request, call: Call<RuntimeCaller>) {
      const { runId } = taskOf(call);
      const { eventTypes: kinds, afterEventId, beforeEventId, lastN } = request;
      const events = await runs.events.list(runId, {
        kinds,
        afterId: eventNumber(afterEventId),
        beforeId: eventNumber(beforeEventId),
        lastN,
      });
      return { events: events.map((event) => taskEventView(runId, event)) };
    },

    recordTaskUsage({ taskUsage }, call: Call<RuntimeCaller>) {
      logTaskUsage(log, taskOf(call).runId, taskUsage);
      return Promise.resolve({});
    },

    /** A run has one task, so there is none to send to or to hear from. */
    pushTaskMessage() {
      throw flowerError("invalidTaskMessage");
    },
    pullTaskMessage: () => Promise.resolve({ messages: [] }),

    /** Only agents make tasks of their own. */
    createTask() {
      throw flowerError("taskCreationNotAllowed");
    },
  });
}

/** TypeScript apps have another program, which asks another API. */
function isPendingTask({ status, runtime }: RunRow): boolean {
  return status === "pending" && runtime === "python";
}

function taskView(row: RunRow): MessageInitShape<typeof TaskSchema> {
  const { runId, pendingAt, fabHash } = row;
  return {
    taskId: runId,
    type: TASK_TYPE,
    runId,
    status: { status: "pending" },
    pendingAt: formatTimestamp(pendingAt),
    fabHash,
  };
}
