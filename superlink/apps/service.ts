/**
 * The ServerAppIo API: what the processes of ServerApps ask of a SuperLink (Flower 1.25 over gRPC).
 *
 * As in Flower, only inputs, outputs and heartbeats need the app's token; the rest is known by its
 * run id. So the API listens on loopback unless the operator says otherwise.
 *
 * @module
 */

import { ServerAppIo } from "../../proto/gen/flwr/proto/serverappio_pb.ts";
import { CARRY_BYTES } from "../../records/carry_room.ts";
import { SUPERLINK_NODE_ID } from "../../records/metadata.ts";
import { defineService, type Service } from "../../wire/service.ts";
import { StatusError } from "../../wire/status.ts";
import type { Bells } from "../bells.ts";
import type { Clock } from "../clock.ts";
import type { Messages } from "../messages/messages.ts";
import { orInvalid } from "../messages/or_invalid.ts";
import { pullObjectResponse } from "../messages/pull_object.ts";
import type { Fabs } from "../runs/fabs.ts";
import { notRunningText, parseRunEnd } from "../runs/run_life.ts";
import { runStatusView, runView } from "../runs/run_view.ts";
import type { Runs } from "../runs/runs.ts";
import type { RunRow } from "../state/layout.ts";
import type { Nodes } from "../state/nodes.ts";
import { heldReplies, repliesView } from "./held_replies.ts";

/** What the ServerAppIo service works on. */
export interface ServerAppServiceOptions {
  readonly runs: Runs;
  readonly fabs: Fabs;
  readonly messages: Messages;
  readonly nodes: Nodes;
  readonly bells: Bells;
  readonly clock: Clock;
  /** How long a pull waits for all replies that it asks for, in milliseconds. */
  readonly holdMs: number;
}

/** Makes the ServerAppIo service. */
export function serverAppService(options: ServerAppServiceOptions): Service {
  const { runs, fabs, messages, nodes, clock, holdMs } = options;

  const requireRun = async (runId: bigint): Promise<RunRow> => {
    const row = await runs.get(runId);
    if (row) return row;
    throw new StatusError("NOT_FOUND", "Run ID not found");
  };
  const requireRunning = async (runId: bigint): Promise<RunRow> => {
    const row = await requireRun(runId);
    const text = notRunningText(row);
    if (text !== undefined) throw new StatusError("PERMISSION_DENIED", text);
    return row;
  };
  const requireToken = async (token: string): Promise<RunRow> => {
    const row = await runs.ofToken(token, clock.nowMicros());
    if (row) return row;
    throw new StatusError("PERMISSION_DENIED", "Invalid token.");
  };
  const requireSuperLinkNode = (nodeId: bigint | undefined) => {
    if (nodeId === SUPERLINK_NODE_ID) return;
    throw new StatusError("FAILED_PRECONDITION", "Unexpected node ID.");
  };

  return defineService(ServerAppIo, () => undefined, {
    async listAppsToLaunch() {
      const pending = (await runs.open()).filter(({ status }) => status === "pending");
      return { runIds: pending.map(({ runId }) => runId) };
    },

    async requestToken({ runId }) {
      return { token: await runs.requestToken(runId, clock.nowMicros()) ?? "" };
    },

    async pullAppInputs({ token }) {
      const { runId, fabHash } = await requireToken(token);
      const refused = () => new StatusError("FAILED_PRECONDITION", `Failed to start run ${runId}`);
      const content = await fabs.get(fabHash);
      if (!content) throw refused();
      const row = await runs.startRunning(runId, clock.nowMicros());
      if (!row) throw refused();
      return {
        context: { runId, nodeId: 0n, state: {} },
        run: runView(row),
        fab: { hashStr: fabHash, content },
        carryBytes: BigInt(CARRY_BYTES),
      };
    },

    async pushAppOutputs({ token, runId }) {
      // The answer to the first push was lost.
      if (await runs.hasPushedOutputs(runId, token)) return {};
      const row = await requireToken(token);
      if (row.runId !== runId) throw new StatusError("PERMISSION_DENIED", "Invalid token.");
      await requireRunning(runId);
      await runs.outputsPushed(runId, clock.nowMicros());
      return {};
    },

    async sendAppHeartbeat({ token }) {
      return { success: await runs.heartbeat(token, clock.nowMicros()) };
    },

    async getRun({ runId }) {
      const row = await runs.get(runId);
      return row ? { run: runView(row) } : {};
    },

    async getFab({ hashStr }) {
      const content = await fabs.get(hashStr);
      if (!content) throw new StatusError("NOT_FOUND", `Found no FAB with hash: ${hashStr}`);
      return { fab: { hashStr, content } };
    },

    async getRunStatus({ runIds }) {
      const known = await Promise.all(runIds.map((runId) => runs.get(runId)));
      return {
        runStatusDict: Object.fromEntries(
          known.flatMap((row) => row ? [[String(row.runId), runStatusView(row)]] : []),
        ),
      };
    },

    async updateRunStatus({ runId, runStatus }) {
      const row = await requireRun(runId);
      if (row.status === "finished") {
        throw new StatusError("PERMISSION_DENIED", "Run is finished.");
      }
      const end = parseRunEnd(runStatus?.subStatus);
      // Other transitions are the SuperLink's own: Flower ignores them without an error.
      if (runStatus?.status === "finished" && end) {
        await runs.finish(runId, clock.nowMicros(), end, runStatus.details);
      }
      return {};
    },

    async pushLogs({ runId, logs }) {
      await requireRun(runId);
      await runs.appendLog(runId, logs.join(""), clock.nowMicros());
      return {};
    },

    async getNodes({ runId }) {
      await requireRunning(runId);
      await nodes.presence.expireDue(clock.nowMicros());
      return { nodes: (await nodes.onlineIds()).map((nodeId) => ({ nodeId })) };
    },

    async pushMessages({ runId, messagesList, messageObjectTrees, carriedObjects }) {
      await requireRunning(runId);
      return await orInvalid(() =>
        messages.pushInstructions(
          runId,
          messagesList,
          messageObjectTrees,
          clock.nowMicros(),
          () => requireRunning(runId),
          carriedObjects,
        )
      );
    },

    async pullMessages({ runId, messageIds, carryBytes, confirmedIds }, { signal }) {
      const require = () => requireRunning(runId);
      await require();
      for (const id of confirmedIds) await messages.answers.confirmByApp(runId, id);
      const pull = { runId, messageIds, holdMs, signal, require };
      const replies = await heldReplies(options, pull);
      return {
        ...repliesView(replies),
        carriedObjects: await messages.getCarried(runId, replies, carryBytes),
        takesConfirmations: carryBytes > 0n,
      };
    },

    async pushObject({ node, runId, objectId, objectContent }) {
      await requireRunning(runId);
      requireSuperLinkNode(node?.nodeId);
      return { stored: await messages.putObject(runId, objectId, objectContent) };
    },

    async pullObject({ node, runId, objectId }) {
      await requireRunning(runId);
      requireSuperLinkNode(node?.nodeId);
      return pullObjectResponse(await messages.getObject(runId, objectId));
    },

    async confirmMessageReceived({ runId, messageObjectId }) {
      await requireRunning(runId);
      await messages.answers.confirmByApp(runId, messageObjectId);
      return {};
    },
  });
}
