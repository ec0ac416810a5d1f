/**
 * The Control API of Flower 1.24 to 1.36, over gRPC.
 *
 * @module
 */

import { Control } from "../proto/gen/flwr/proto/control_pb.ts";
import { configToProto } from "../records/record_value.ts";
import { userConfigToProto } from "../records/scalar_map.ts";
import { ExitError } from "../terminal/errors.ts";
import { StatusError } from "../wire/status.ts";
import type { CallChannel } from "./authorized_channel.ts";
import { CALL_TIMEOUT_MS, type ControlClient, UPLOAD_TIMEOUT_MS } from "./control_client.ts";
import { timestampUs } from "./timestamp.ts";

const { method } = Control;

/** What the one federation of a SuperLink is called, and what it is called since Flower 1.26. */
const DEFAULT_FEDERATION_1_25 = "default";
const DEFAULT_FEDERATION_1_26 = "@none/default";

const SMALL = { timeoutMs: CALL_TIMEOUT_MS } as const;

/** Makes calls over a channel, which the caller closes. */
export function control125(channel: CallChannel): ControlClient {
  return {
    async registerNode({ publicKey, name, location }) {
      if (name !== undefined || location !== undefined) throw withoutNames();
      const { nodeId = 0n } = await channel.unary(method.registerNode, { publicKey }, SMALL);
      return nodeId;
    },

    async unregisterNode(nodeId) {
      await channel.unary(method.unregisterNode, { nodeId }, SMALL);
    },

    async listNodes() {
      const { nodesInfo, now } = await channel.unary(method.listNodes, {}, SMALL);
      return { nodes: nodesInfo, now };
    },

    async listFederations() {
      const { federations } = await channel.unary(method.listFederations, {}, SMALL);
      return federations.map(({ name }) => name);
    },

    async showFederation(federationName) {
      const answer = await channel.unary(method.showFederation, { federationName }, SMALL);
      const { federation, now } = answer;
      return {
        members: (federation?.memberAids ?? []).map((id) => ({ id, role: "Member" })),
        nodes: federation?.nodes ?? [],
        runs: federation?.runs ?? [],
        now,
      };
    },

    async startRun({ fab, appSpec, overrides, federation, options }) {
      const items = Array.from(options, ([key, value]) => ({
        key,
        value: { value: configToProto(value) },
      }));
      const startIn = async (federation: string) => {
        const { runId = 0n } = await channel.unary(method.startRun, {
          ...(fab ? { fab: { hashStr: fab.hash, content: fab.content } } : {}),
          overrideConfig: userConfigToProto(overrides),
          federationOptions: { items },
          appSpec,
          federation,
        }, { timeoutMs: UPLOAD_TIMEOUT_MS });
        return runId;
      };
      try {
        return await startIn(federation);
      } catch (error) {
        const isRenamed = error instanceof StatusError && error.status === "NOT_FOUND" &&
          federation === DEFAULT_FEDERATION_1_25 && appSpec === "";
        if (!isRenamed) throw error;
        return await startIn(DEFAULT_FEDERATION_1_26);
      }
    },

    async stopRun(runId) {
      return (await channel.unary(method.stopRun, { runId }, SMALL)).success;
    },

    async listRuns({ runId, limit }) {
      const request = runId === undefined ? {} : { runId };
      const { runDict, now } = await channel.unary(method.listRuns, request, SMALL);
      const newest = Object.values(runDict).sort((a, b) =>
        (timestampUs(b.pendingAt) ?? 0) - (timestampUs(a.pendingAt) ?? 0)
      );
      return { runs: newest.slice(0, limit), now };
    },

    streamLogs: (log, options) => channel.serverStream(method.streamLogs, log, options),

    async pullArtifacts(runId) {
      return (await channel.unary(method.pullArtifacts, { runId }, SMALL)).url ?? "";
    },
  };
}

function withoutNames(): ExitError {
  return new ExitError("This Control API keeps no names and locations of SuperNodes.", {
    remedy:
      "Leave out --name and --location, or use the HTTP address (port 8000 by default) of a " +
      "SuperLink of Flower 1.38 or newer, or of Trellis.",
  });
}
