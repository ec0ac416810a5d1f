/**
 * The half of the Fleet API that belongs to runs: what a SuperNode fetches and sends for a message.
 *
 * @module
 */

import { toBinary } from "@bufbuild/protobuf";
import { type Fleet, PushMessagesRequestSchema } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import type { Call, Methods } from "../../wire/service.ts";
import { flowerError } from "../../wire/flower_error.ts";
import { StatusError } from "../../wire/status.ts";
import type { FleetCaller } from "../auth/fleet_caller.ts";
import type { Clock } from "../clock.ts";
import type { Messages } from "../messages/messages.ts";
import { orInvalid } from "../messages/or_invalid.ts";
import { pullObjectResponse } from "../messages/pull_object.ts";
import type { RunOnlooker } from "../onlooker.ts";
import type { Fabs } from "../runs/fabs.ts";
import { notRunningText } from "../runs/run_life.ts";
import { runView } from "../runs/run_view.ts";
import type { Runs } from "../runs/runs.ts";
import type { RunRow } from "../state/layout.ts";

/** What these methods work on. */
export interface FleetRunOptions {
  readonly runs: Runs;
  readonly fabs: Fabs;
  readonly messages: Messages;
  readonly clock: Clock;
  readonly runOnlooker?: RunOnlooker | undefined;
}

/** Gives the node that a caller speaks for, or throws when it may not. */
export type RequireOwnNode = (
  caller: FleetCaller,
  method: string,
  nodeId: bigint | undefined,
) => Promise<bigint>;

/** A SuperNode asks again in as many seconds (the field that Flower sends and no client reads). */
const RECONNECT_S = 5n;

/** The methods, each for the caller's own node and a run that runs. */
export function fleetRunMethods(
  { runs, fabs, messages, clock, runOnlooker }: FleetRunOptions,
  requireOwnNode: RequireOwnNode,
): Methods<typeof Fleet, FleetCaller> {
  /** On `PERMISSION_DENIED` a SuperNode drops the message and goes on: the run is over. */
  const requireRunning = async (runId: bigint): Promise<RunRow> => {
    const row = await runs.get(runId);
    if (!row) throw flowerError("runNotAvailable", { grpcText: `Run ID not found: ${runId}` });
    const text = notRunningText(row);
    if (text !== undefined) throw flowerError("runNotRunning", { grpcText: text });
    return row;
  };

  return {
    async getRun({ node, runId }, { caller }: Call<FleetCaller>) {
      await requireOwnNode(caller, "GetRun", node?.nodeId);
      return { run: runView(await requireRunning(runId)) };
    },

    async getFab({ node, hashStr, runId }, { caller }: Call<FleetCaller>) {
      await requireOwnNode(caller, "GetFab", node?.nodeId);
      const { fabHash } = await requireRunning(runId);
      const content = hashStr === fabHash ? await fabs.get(hashStr) : undefined;
      if (!content) {
        throw flowerError("fabNotAvailable", { grpcText: `Found no FAB with hash: ${hashStr}` });
      }
      return { fab: { hashStr, content } };
    },

    async pullObject({ node, runId, objectId }, { caller }: Call<FleetCaller>) {
      await requireOwnNode(caller, "PullObject", node?.nodeId);
      await requireRunning(runId);
      const found = await messages.getObject(runId, objectId);
      if (found.state === "stored") runs.addCosts(runId, { bytesSent: found.content.length });
      return pullObjectResponse(found);
    },

    async confirmMessageReceived(
      { node, runId, messageObjectId },
      { caller }: Call<FleetCaller>,
    ) {
      const nodeId = await requireOwnNode(caller, "ConfirmMessageReceived", node?.nodeId);
      await requireRunning(runId);
      await messages.confirmByNode(runId, nodeId, messageObjectId, clock.nowMicros());
      return {};
    },

    async pushMessages(request, { caller }: Call<FleetCaller>) {
      const nodeId = await requireOwnNode(caller, "PushMessages", request.node?.nodeId);
      const [message] = request.messagesList;
      if (!message) throw new StatusError("INVALID_ARGUMENT", "There is no message to push.");
      const runId = message.metadata?.runId ?? 0n;
      await requireRunning(runId);
      const objectsToPush = await orInvalid(() =>
        messages.pushReply(
          runId,
          nodeId,
          message,
          request.messageObjectTrees[0],
          clock.nowMicros(),
          () => requireRunning(runId),
          request.carriedObjects,
        )
      );
      runOnlooker?.replied(nodeId, message);
      runs.addCosts(runId, {
        bytesReceived: toBinary(PushMessagesRequestSchema, request).length,
        clientAppRuntimeS: secondsOf(request.clientappRuntimeList[0]),
      });
      return {
        reconnect: { reconnect: RECONNECT_S },
        results: { [message.metadata?.messageId ?? ""]: 0 },
        objectsToPush,
      };
    },

    async pushObject({ node, runId, objectId, objectContent }, { caller }: Call<FleetCaller>) {
      await requireOwnNode(caller, "PushObject", node?.nodeId);
      await requireRunning(runId);
      const stored = await messages.putObject(runId, objectId, objectContent);
      if (stored) runs.addCosts(runId, { bytesReceived: objectContent.length });
      return { stored };
    },
  };
}

/** How long an app took, as its node says; nothing when that cannot be. */
function secondsOf(told = 0): number {
  return Number.isFinite(told) ? Math.max(0, told) : 0;
}
