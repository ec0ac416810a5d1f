/**
 * The Fleet API: what SuperNodes ask of a SuperLink (Flower 1.23 to 1.39 over gRPC).
 *
 * @module
 */

import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import type { Log } from "../../terminal/log.ts";
import { type Call, defineService, type IncomingCall, type Service } from "../../wire/service.ts";
import { flowerError } from "../../wire/flower_error.ts";
import { StatusError } from "../../wire/status.ts";
import { NO_ACCOUNT } from "../accounts.ts";
import type { FleetCaller } from "../auth/fleet_caller.ts";
import { readSpkiPem } from "../auth/known_keys.ts";
import type { AuditEvents } from "../audit/events.ts";
import { type Allowance, hostOf } from "../auth/peer_limit.ts";
import type { ProofGuard } from "../auth/proof_guard.ts";
import type { Refusals } from "../auth/refusals.ts";
import type { Clock } from "../clock.ts";
import { type Bells, topics } from "../bells.ts";
import type { Messages } from "../messages/messages.ts";
import type { Onlooker, RunOnlooker } from "../onlooker.ts";
import type { Fabs } from "../runs/fabs.ts";
import type { Admission } from "../registry/admission.ts";
import type { Runs } from "../runs/runs.ts";
import { finished, heardFinishing } from "../state/handover.ts";
import { isHeartbeatInterval } from "../state/node_life.ts";
import type { NodeRow } from "../state/layout.ts";
import type { Nodes } from "../state/nodes.ts";
import { fleetRunMethods } from "./run_methods.ts";
import { HeldPulls } from "./held_pulls.ts";

/** What the Fleet service works on. */
export interface FleetServiceOptions {
  /** Only keys that were registered through the Control API may join. */
  readonly managed: boolean;
  readonly authenticate: (call: IncomingCall) => Promise<FleetCaller>;
  readonly nodes: Nodes;
  readonly guard: ProofGuard;
  readonly bells: Bells;
  readonly runs: Runs;
  readonly fabs: Fabs;
  readonly messages: Messages;
  readonly registrations: Allowance;
  readonly refusals: Refusals;
  readonly admission: Admission;
  readonly events: AuditEvents;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a pull waits for a message, in milliseconds. */
  readonly holdMs: number;
  readonly onlooker?: Onlooker | undefined;
  readonly runOnlooker?: RunOnlooker | undefined;
}

/** Makes the Fleet service. */
export function fleetService(options: FleetServiceOptions): Service {
  const { nodes, guard, bells, clock, log, refusals, admission, events } = options;
  const pulls = new HeldPulls(options);

  const refuse = (caller: FleetCaller, method: string, reason: string, error: StatusError) => {
    const { peer, key: { fingerprint } } = caller;
    refusals.refused({ reason, method, peer, fingerprint });
    return error;
  };

  const admit = ({ peer, key: { fingerprint } }: FleetCaller, method: string, row: NodeRow) =>
    admission.require(row, { method, peer, fingerprint });

  /** The key in the body must be the one that was proved. */
  const requireOwnKey = (caller: FleetCaller, method: string, publicKeyPem: Uint8Array) => {
    if (readSpkiPem(new TextDecoder().decode(publicKeyPem))?.id === caller.key.id) return;
    const error = flowerError("nodeNotAuthenticated", { grpcText: "Invalid node ID" });
    throw refuse(caller, method, "the request names another key", error);
  };

  /**
   * The key that was proved must own the node that the request speaks for. Says also what the caller's
   * process is to the node, which it may have handed over to another.
   */
  const ownNode = async (caller: FleetCaller, method: string, nodeId: bigint | undefined) => {
    // Asked again: the node may have been unregistered or barred while the body was on its way.
    const own = await nodes.ofKey(caller.key.id, clock.nowMicros());
    if (nodeId === undefined || own?.nodeId !== nodeId) {
      const error = flowerError("nodeNotAuthenticated", { grpcText: "Invalid node ID" });
      throw refuse(caller, method, "the key does not own this node", error);
    }
    admit(caller, method, own);
    const standing = await nodes.presence.standingOf(own, caller.key.id);
    if (standing === "superseded") return { nodeId, standing };
    if (nodes.presence.spoke(nodeId, caller.connection)) {
      log.warning(
        "node.key-used-twice",
        `Key ${caller.key.fingerprint} of SuperNode ${nodeId} is in use twice: two processes speak ` +
          "by turns. Stop one of them.",
        fields(caller, nodeId),
      );
    }
    return { nodeId, standing };
  };

  const requireOwnNode = async (...call: Parameters<typeof ownNode>) =>
    (await ownNode(...call)).nodeId;

  /** Nothing new is for a process that has handed its node over. SuperNodes ask again 3 s later. */
  const requirePuller = async (...call: Parameters<typeof ownNode>) => {
    const { nodeId, standing } = await ownNode(...call);
    if (standing === "superseded") throw new StatusError("PERMISSION_DENIED", HANDED_OVER);
    return nodeId;
  };

  const requireInterval = (caller: FleetCaller, method: string, seconds: number) => {
    if (isHeartbeatInterval(seconds)) return;
    const error = flowerError("invalidHeartbeatInterval");
    throw refuse(caller, method, "its heartbeat interval is not allowed", error);
  };

  const joined = (caller: FleetCaller, row: NodeRow, how: string) => {
    bells.ring(topics.nodes);
    events.byNode("node.activate", caller, row.nodeId);
    log.info("node.joined", `SuperNode ${row.nodeId} is online${how}: ${who(caller)}.`, {
      ...fields(caller, row.nodeId),
    });
  };

  return defineService(Fleet, options.authenticate, {
    async registerNode(request, { caller }: Call<FleetCaller>) {
      requireOwnKey(caller, "RegisterNode", request.publicKey);
      if (options.managed) {
        const reason = "only registered SuperNodes may join";
        throw refuse(caller, "RegisterNode", reason, flowerError("registrationByCliOnly"));
      }
      if (!await options.registrations.take(hostOf(caller.peer))) {
        const error = new StatusError("UNAVAILABLE", "Too many registrations. Try again later.");
        throw refuse(caller, "RegisterNode", "too many registrations from this peer", error);
      }
      const adoption = guard.adopt(caller.key.id, caller.timestampMicros);
      const row = await nodes.register(
        {
          keyId: caller.key.id,
          fingerprint: caller.key.fingerprint,
          publicKeyPem: request.publicKey,
          keyless: true,
          ownerId: NO_ACCOUNT.id,
          ownerName: NO_ACCOUNT.name,
          heartbeatIntervalS: 0,
        },
        clock.nowMicros(),
        // The mark for the proof that it did it with.
        adoption.addMark,
      );
      if (!row) {
        const error = flowerError("publicKeyInUse");
        throw refuse(caller, "RegisterNode", "the key is or was registered", error);
      }
      adoption.done();
      events.byNode("node.register", caller, row.nodeId);
      log.info("node.registered", `SuperNode ${row.nodeId} registered itself: ${who(caller)}.`, {
        ...fields(caller, row.nodeId),
      });
      return { nodeId: row.nodeId };
    },

    async activateNode(request, { caller }: Call<FleetCaller>) {
      requireOwnKey(caller, "ActivateNode", request.publicKey);
      const unknown = () =>
        refuse(
          caller,
          "ActivateNode",
          "the key owns no SuperNode",
          activationFailed("No SuperNode found with the given public key."),
        );
      if (!await nodes.ofKey(caller.key.id, clock.nowMicros())) throw unknown();
      requireInterval(caller, "ActivateNode", request.heartbeatInterval);
      const activation = await nodes.activate(
        caller.key.id,
        request.heartbeatInterval,
        caller.connection,
        clock.nowMicros(),
        caller.program,
      );
      switch (activation.outcome) {
        case "unknown":
          throw unknown();
        case "barred":
          admit(caller, "ActivateNode", activation.row);
          throw unknown();
        case "refused":
          throw refuse(
            caller,
            "ActivateNode",
            "the SuperNode is online already",
            activationFailed(
              `SuperNode with node ID ${activation.row.nodeId} could not be activated.`,
              "A SuperNode with this key is online. After a crash, try again in half a minute.",
            ),
          );
        case "taken-over":
          joined(caller, activation.row, " again, in place of a process that is gone");
          break;
        case "handed-over":
          // The process that it takes over from may have one.
          pulls.end(activation.row.nodeId);
          joined(caller, activation.row, BY_NEWER_KEY);
          break;
        case "activated":
          joined(caller, activation.row, "");
          break;
        case "repeated":
      }
      return { nodeId: activation.row.nodeId };
    },

    async deactivateNode(request, { caller }: Call<FleetCaller>) {
      const { nodeId, standing } = await ownNode(caller, "DeactivateNode", request.nodeId);
      const { id: keyId } = caller.key;
      if (standing === "superseded") {
        await nodes.presence.heardSuperseded(nodeId, (row) => finished(row, keyId));
        bells.ring(topics.nodes);
        log.info("node.left", `The earlier process of SuperNode ${nodeId} has gone.`, {
          ...fields(caller, nodeId),
        });
        return {};
      }
      const row = await nodes.presence.deactivate(nodeId, clock.nowMicros());
      if (!row) {
        const error = flowerError("deactivationFailed", {
          grpcText: `SuperNode with node ID ${nodeId} could not be deactivated.`,
        });
        throw refuse(caller, "DeactivateNode", "the SuperNode is not online", error);
      }
      pulls.end(nodeId);
      events.byNode("node.deactivate", caller, nodeId);
      bells.ring(topics.nodes);
      log.info("node.left", `SuperNode ${nodeId} went offline.`, fields(caller, nodeId));
      return {};
    },

    async unregisterNode(request, { caller }: Call<FleetCaller>) {
      const nodeId = await requireOwnNode(caller, "UnregisterNode", request.nodeId);
      if (options.managed) {
        const reason = "only the CLI may unregister SuperNodes";
        throw refuse(caller, "UnregisterNode", reason, flowerError("unregistrationByCliOnly"));
      }
      const row = await nodes.unregister(
        nodeId,
        clock.nowMicros(),
        ({ ownerId }) => ownerId === NO_ACCOUNT.id,
      );
      if (!row) {
        const error = flowerError("unregistrationFailed", {
          grpcText: `SuperNode with node ID ${nodeId} could not be unregistered.`,
        });
        throw refuse(caller, "UnregisterNode", "it did not register itself", error);
      }
      events.byNode("node.unregister", caller, nodeId);
      log.info("node.unregistered", `SuperNode ${nodeId} unregistered itself.`, {
        ...fields(caller, nodeId),
      });
      return {};
    },

    async sendNodeHeartbeat(request, { caller }: Call<FleetCaller>) {
      const own = await ownNode(caller, "SendNodeHeartbeat", request.node?.nodeId);
      const { nodeId } = own;
      const { id: keyId } = caller.key;
      requireInterval(caller, "SendNodeHeartbeat", request.heartbeatInterval);
      const now = clock.nowMicros();
      if (own.standing === "superseded") {
        await nodes.presence.heardSuperseded(
          nodeId,
          (row) => heardFinishing(row, keyId, now, request.heartbeatInterval),
        );
        return { success: true };
      }
      const heard = [nodeId, keyId, request.heartbeatInterval, caller.connection, now] as const;
      const returned = own.standing === "returning" && await nodes.presence.takeBack(...heard);
      if (returned) {
        pulls.end(nodeId);
        joined(caller, returned, BY_NEWER_KEY);
        return { success: true };
      }
      const result = await nodes.presence.heartbeat(...heard);
      // Barred meanwhile: on `success: false` a SuperNode never sends another heartbeat.
      if (result === "unknown") await requireOwnNode(caller, "SendNodeHeartbeat", nodeId);
      if (typeof result !== "string") joined(caller, result, " again, after a silence");
      return { success: result !== "unknown" };
    },

    pullMessages: (request, call: Call<FleetCaller>) =>
      pulls.pull(
        request,
        call,
        () => requirePuller(call.caller, "PullMessages", request.node?.nodeId),
      ),

    ...fleetRunMethods(options, requireOwnNode),
  });
}

const BY_NEWER_KEY = " with its newer key; its earlier process may finish";
const HANDED_OVER =
  "A process with the newer key of this SuperNode gets its messages now. Stop this one.";

function activationFailed(grpcText: string, extra = grpcText): StatusError {
  return flowerError("activationFailed", { grpcText, extra });
}

function who(caller: FleetCaller): string {
  return `key ${caller.key.fingerprint} from ${caller.peer}`;
}

function fields(caller: FleetCaller, nodeId: bigint) {
  return {
    nodeId: String(nodeId),
    fingerprint: caller.key.fingerprint,
    peer: caller.peer,
  };
}
