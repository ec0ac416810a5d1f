/**
 * The Control API as the CLI of Flower 1.37 to 1.42 calls it, over HTTP. It does what the one of 1.25
 * does; what is said differently is here and in `views_1_41.ts`.
 *
 * @module
 */

import { formatTimestamp } from "../../keys/timestamp.ts";
import { Control } from "../../proto/gen/flwr1_41/proto/control_pb.ts";
import { type Call, defineService, type IncomingCall, type Service } from "../../wire/service.ts";
import { flowerError } from "../../wire/flower_error.ts";
import { isFederation } from "../accounts.ts";
import { eventNumber, taskEventView } from "../runs/task_event_view.ts";
import { ACCOUNT_1_41, FEDERATION_1_41, nodeInfo141, runView141 } from "../views_1_41.ts";
import { type ControlCaller, controlCaller } from "./caller.ts";
import { nodeActions } from "./node_actions.ts";
import { runActions } from "./run_actions.ts";
import type { ControlServiceOptions } from "./service.ts";

/** How many runs a list has when nobody says (Flower 1.27 and newer), the newest first. */
const DEFAULT_LIST_LIMIT = 20;

/** Makes the Control service of Flower 1.37 to 1.42. */
export function controlService141(options: ControlServiceOptions): Service {
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
      return { nodesInfo: (await nodes.ownNodes(caller)).map(nodeInfo141), now: now() };
    },

    listFederations: () => Promise.resolve({ federations: [FEDERATION] }),

    async showFederation({ federationName }, { caller }: Call<ControlCaller>) {
      if (!isFederation(federationName)) throw flowerError("notInFederation");
      const federation = {
        ...FEDERATION,
        nodes: (await nodes.ownNodes(caller)).map(nodeInfo141),
        runs: (await runs.ownRuns(caller)).map(runView141),
      };
      return { federation, now: now() };
    },

    async startRun(request, { caller }: Call<ControlCaller>) {
      // Each run is a series of its own, and what it is given to go on with is not kept.
      if (request.seriesId !== undefined) throw flowerError("seriesNotFound");
      const { runId } = await runs.startRun(request, caller);
      return { runId, seriesId: runId, federation: FEDERATION_1_41 };
    },

    async stopRun({ runId }, { caller }: Call<ControlCaller>) {
      return { success: await runs.stopRun(runId, caller) };
    },

    async listRuns({ runId, limit, skip = 0n }, { caller }: Call<ControlCaller>) {
      const end = Number(skip) + Number(limit ?? DEFAULT_LIST_LIMIT);
      const rows = runId === undefined
        ? (await runs.ownRuns(caller)).toReversed().slice(Number(skip), end)
        : [await runs.requireOwnRun(runId, caller)];
      return {
        runDict: Object.fromEntries(rows.map((row) => [String(row.runId), runView141(row)])),
        now: now(),
      };
    },

    streamLogs: (request, call: Call<ControlCaller>) => runs.streamLogs(request, call),

    async *streamRunEvents({ runId, afterTaskEventId }, call: Call<ControlCaller>) {
      const afterId = eventNumber(afterTaskEventId) ?? 0;
      for await (const event of runs.streamEvents({ runId, afterId }, call)) {
        yield { taskEvent: taskEventView(runId, event) };
      }
    },

    pullArtifacts() {
      throw flowerError("noArtifactProvider");
    },

    getLoginDetails: (_request, { caller }: Call<ControlCaller>) => logins.details(caller),

    getAuthTokens: ({ deviceCode }, { caller }: Call<ControlCaller>) =>
      logins.tokens(deviceCode, caller),

    refreshAuthTokens: ({ refreshToken }, { caller }: Call<ControlCaller>) =>
      logins.refresh(refreshToken, caller),

    createFederation: noManagementOf,
    archiveFederation: noManagementOf,
    addNodeToFederation: noManagementOf,
    removeNodeFromFederation: noManagementOf,
    removeAccountFromFederation: noManagementOf,
    createInvitation: noManagementOf,
    listInvitations: noManagement,
    acceptInvitation: noManagementOf,
    rejectInvitation: noManagementOf,
    revokeInvitation: noManagementOf,
    configureSimulationFederation: noManagementOf,
    setFederationIcon: noManagementOf,
  });
}

const FEDERATION = {
  name: FEDERATION_1_41,
  description: "The federation of this SuperLink.",
  members: [{ account: ACCOUNT_1_41, role: "owner" }],
  memberCount: 1,
};

function noManagement(): never {
  throw flowerError("noFederationManagement");
}

function noManagementOf({ federationName }: { readonly federationName: string }): never {
  throw flowerError(federationName === "" ? "noFederationNamed" : "noFederationManagement");
}
