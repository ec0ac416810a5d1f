/**
 * The Control API: what the CLI asks of a SuperLink (Flower 1.24 to 1.36 over gRPC).
 *
 * @module
 */

import { formatTimestamp } from "../../keys/timestamp.ts";
import { Control } from "../../proto/gen/flwr/proto/control_pb.ts";
import { type Call, defineService, type IncomingCall, type Service } from "../../wire/service.ts";
import { flowerError } from "../../wire/flower_error.ts";
import { type Account, FEDERATION, isFederation, NO_ACCOUNT } from "../accounts.ts";
import { readSpkiPem } from "../auth/known_keys.ts";
import type { Nodes } from "../state/nodes.ts";
import { nodeInfo } from "./node_info.ts";
import { controlRunMethods, type ControlRunOptions } from "./run_methods.ts";
import { runView } from "../runs/run_view.ts";

/** Who calls the Control API. */
export interface ControlCaller {
  readonly account: Account;
  readonly peer: string;
}

/** What the Control service works on. */
export interface ControlServiceOptions extends ControlRunOptions {
  readonly nodes: Nodes;
}

/** The interval that Flower notes for a node until it has said its own, in seconds. */
const DEFAULT_HEARTBEAT_INTERVAL_S = 30;

/** Makes the Control service. */
export function controlService(options: ControlServiceOptions): Service {
  const { nodes, runs, clock, log } = options;
  const ownNodes = async ({ account }: ControlCaller) =>
    (await nodes.list(clock.nowMicros())).filter(({ row }) => row.ownerId === account.id);

  return defineService(Control, controlCaller, {
    async registerNode(request, { caller }: Call<ControlCaller>) {
      const key = readSpkiPem(new TextDecoder().decode(request.publicKey));
      if (!key) {
        throw flowerError("invalidPublicKey");
      }
      const row = await nodes.register({
        keyId: key.id,
        fingerprint: key.fingerprint,
        publicKeyPem: request.publicKey,
        keyless: false,
        ownerId: caller.account.id,
        ownerName: caller.account.name,
        heartbeatIntervalS: DEFAULT_HEARTBEAT_INTERVAL_S,
      }, clock.nowMicros());
      if (!row) throw flowerError("publicKeyInUse");
      const fields = {
        nodeId: String(row.nodeId),
        fingerprint: key.fingerprint,
        peer: caller.peer,
      };
      log.info(
        "node.registered",
        `SuperNode ${row.nodeId} was registered with key ${key.fingerprint} by ${caller.peer}.`,
        fields,
      );
      return { nodeId: row.nodeId };
    },

    async unregisterNode({ nodeId }, { caller }: Call<ControlCaller>) {
      const row = await nodes.unregister(
        nodeId,
        clock.nowMicros(),
        ({ ownerId }) => ownerId === caller.account.id,
      );
      if (!row) throw flowerError("nodeNotFound");
      log.info(
        "node.unregistered",
        `SuperNode ${nodeId} was unregistered by ${caller.peer}; its key ${row.fingerprint} cannot ` +
          "be used again.",
        { nodeId: String(nodeId), fingerprint: row.fingerprint, peer: caller.peer },
      );
      return {};
    },

    async listNodes(_request, { caller }: Call<ControlCaller>) {
      const nodesInfo = (await ownNodes(caller)).map(nodeInfo);
      return { nodesInfo, now: formatTimestamp(clock.nowMicros()) };
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
        nodes: (await ownNodes(caller)).map(nodeInfo),
        runs: (await runs.list()).map(runView),
      };
      return {
        federation,
        now: formatTimestamp(clock.nowMicros()),
      };
    },

    getLoginDetails() {
      return Promise.resolve({ authnType: "noop" });
    },

    getAuthTokens() {
      throw flowerError("noAccountAuthentication");
    },

    ...controlRunMethods(options),
  });
}

function controlCaller({ peer }: IncomingCall): ControlCaller {
  return { account: NO_ACCOUNT, peer };
}
