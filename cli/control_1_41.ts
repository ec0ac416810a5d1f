/**
 * The Control API of Flower 1.37 to 1.42, over HTTP, and all that is different there.
 *
 * @module
 */

import { Control } from "../proto/gen/flwr1_41/proto/control_pb.ts";
import { userConfigToProto } from "../records/scalar_map.ts";
import type { CallOptions } from "../wire/grpc/client.ts";
import { versionMetadata } from "../wire/version_metadata.ts";
import type { CallChannel } from "./authorized_channel.ts";
import { CALL_TIMEOUT_MS, type ControlClient, UPLOAD_TIMEOUT_MS } from "./control_client.ts";
import { simulationConfig } from "./simulation_config.ts";

const { method } = Control;

/** By the first of these the SuperLink tells what started a run. */
const HEADERS = { "x-flwr-client": "cli", ...versionMetadata("flwr CLI") } as const;

/** Without a limit Flower lists the newest 20 runs; this is as good as all. */
const ALL_RUNS = 1_000_000;

/** What Flower 1.24 and 1.25 call the one federation of a SuperLink, and what it is called since. */
const DEFAULT_FEDERATION_1_25 = "default";
const DEFAULT_FEDERATION = "@none/default";

/** Makes calls over a channel, which the caller closes. */
export function control141(channel: CallChannel): ControlClient {
  const headers = { text: HEADERS };
  const small: CallOptions = { headers, timeoutMs: CALL_TIMEOUT_MS };
  return {
    async registerNode({ publicKey, name, location }) {
      const { nodeId = 0n } = await channel.unary(method.registerNode, {
        publicKey,
        ...(name === undefined ? {} : { name }),
        ...(location === undefined ? {} : { location }),
      }, small);
      return nodeId;
    },

    async unregisterNode(nodeId) {
      await channel.unary(method.unregisterNode, { nodeId }, small);
    },

    async listNodes() {
      const { nodesInfo, now } = await channel.unary(method.listNodes, {}, small);
      return { nodes: nodesInfo, now };
    },

    async listFederations() {
      const { federations } = await channel.unary(method.listFederations, {}, small);
      return federations.map(({ name }) => name);
    },

    async showFederation(name) {
      const federationName = name === DEFAULT_FEDERATION_1_25 ? DEFAULT_FEDERATION : name;
      const answer = await channel.unary(method.showFederation, { federationName }, small);
      const { federation, now } = answer;
      return {
        members: (federation?.members ?? []).map(({ account, role }) => ({
          id: account?.id ?? "",
          role,
        })),
        nodes: federation?.nodes ?? [],
        runs: federation?.runs ?? [],
        now,
      };
    },

    async startRun({ fab, appSpec, overrides, federation, options }) {
      const { runId = 0n } = await channel.unary(method.startRun, {
        ...(fab ? { fab: { hashStr: fab.hash, content: fab.content } } : {}),
        overrideConfig: userConfigToProto(overrides),
        ...(options.size > 0 ? { overrideFederationConfig: simulationConfig(options) } : {}),
        appSpec,
        // Without a name it is the account's own default.
        federation: federation === DEFAULT_FEDERATION_1_25 ? "" : federation,
      }, { headers, timeoutMs: UPLOAD_TIMEOUT_MS });
      return runId;
    },

    async stopRun(runId) {
      return (await channel.unary(method.stopRun, { runId }, small)).success;
    },

    async listRuns({ runId, limit = ALL_RUNS }) {
      const request = runId === undefined ? { limit: BigInt(limit) } : { runId };
      const { runDict, now } = await channel.unary(method.listRuns, request, small);
      return { runs: Object.values(runDict), now };
    },

    streamLogs: (log, options) =>
      channel.serverStream(method.streamLogs, log, { ...options, headers }),

    async pullArtifacts(runId) {
      return (await channel.unary(method.pullArtifacts, { runId }, small)).url ?? "";
    },
  };
}
