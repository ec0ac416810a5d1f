/**
 * The Control API: what the CLI asks of a SuperLink (Flower 1.24 to 1.36 over gRPC).
 *
 * @module
 */

import { formatTimestamp } from "../../keys/timestamp.ts";
import { Control } from "../../proto/gen/flwr/proto/control_pb.ts";
import { type Call, defineService, type IncomingCall, type Service } from "../../wire/service.ts";
import { flowerError } from "../../wire/flower_error.ts";
import { FEDERATION, isFederation } from "../accounts.ts";
import { runView } from "../runs/run_view.ts";
import type { LoginActions } from "../access/login_actions.ts";
import type { ControlAccess } from "./access.ts";
import { type ControlCaller, controlCaller } from "./caller.ts";
import { type NodeActionOptions, nodeActions } from "./node_actions.ts";
import { nodeInfo } from "./node_info.ts";
import { type RunActionOptions, runActions } from "./run_actions.ts";

/** What the Control services work on. */
export interface ControlServiceOptions extends NodeActionOptions, RunActionOptions {
  readonly controlAccess: ControlAccess;
  readonly loginActions: LoginActions;
}

/** Makes the Control service of Flower 1.24 and 1.25. */
export function controlService(options: ControlServiceOptions): Service {
  const { clock, loginActions: logins } = options;
  const nodes = nodeActions(options);
  const runs = runActions(options);
  const now = () => formatTimestamp(clock.nowMicros());

  const admit = (call: IncomingCall) => controlCaller(call, options.controlAccess);

  return defineService(Control, admit, {
    async registerNode(request, { caller }: Call<ControlCaller>) {
      const { nodeId } = await nodes.registerNode(request, caller);
      return { nodeId };
    },

    async unregisterNode({ nodeId }, { caller }: Call<ControlCaller>) {
      await nodes.unregisterNode(nodeId, caller);
      return {};
    },

    async listNodes(_request, { caller }: Call<ControlCaller>) {
      return { nodesInfo: (await nodes.ownNodes(caller)).map(nodeInfo), now: now() };
    },

    listFederations() {
      return Promise.resolve({ federations: [{ name: FEDERATION }] });
    },

    async showFederation({ federationName }, { caller }: Call<ControlCaller>) {
      if (!isFederation(federationName)) {
        throw flowerError("notInFederation", {
          grpcText: `Federation '${federationName}' does not exist or you are not a member of it.`,
        });
      }
      const federation = {
        name: FEDERATION,
        memberAids: [caller.account.id],
        nodes: (await nodes.ownNodes(caller)).map(nodeInfo),
        runs: (await runs.ownRuns(caller)).map(runView),
      };
      return { federation, now: now() };
    },

    async startRun(request, { caller }: Call<ControlCaller>) {
      const { runId } = await runs.startRun(request, caller);
      return { runId };
    },

    async stopRun({ runId }, { caller }: Call<ControlCaller>) {
      return { success: await runs.stopRun(runId, caller) };
    },

    async listRuns({ runId }, { caller }: Call<ControlCaller>) {
      const rows = runId === undefined
        ? await runs.ownRuns(caller)
        : [await runs.requireOwnRun(runId, caller)];
      return {
        runDict: Object.fromEntries(rows.map((row) => [String(row.runId), runView(row)])),
        now: now(),
      };
    },

    streamLogs: (request, call: Call<ControlCaller>) => runs.streamLogs(request, call),

    pullArtifacts() {
      throw flowerError("noArtifactProvider");
    },

    getLoginDetails: (_request, { caller }: Call<ControlCaller>) => logins.details(caller),

    getAuthTokens: ({ deviceCode }, { caller }: Call<ControlCaller>) =>
      logins.tokens(deviceCode, caller),
  });
}
