/**
 * `trellis.v1.NodeKeys`: what SuperNodes ask about their own keys, on the ports of the Fleet API.
 *
 * @module
 */

import { verifyHandover } from "../../keys/key_rotation.ts";
import { NodeKeys } from "../../proto/gen/trellis/v1/node_keys_pb.ts";
import { type Call, defineService, type IncomingCall, type Service } from "../../wire/service.ts";
import { flowerError } from "../../wire/flower_error.ts";
import { StatusError } from "../../wire/status.ts";
import { audited, type AuditTrail } from "../audit/audit.ts";
import type { FleetCaller } from "../auth/fleet_caller.ts";
import type { Admission } from "./admission.ts";
import { readNewKey, rotate, type RotationOptions } from "./rotation.ts";

/** What the service works on. */
export interface NodeKeysServiceOptions extends RotationOptions {
  readonly authenticate: (call: IncomingCall) => Promise<FleetCaller>;
  readonly admission: Admission;
  readonly audit: AuditTrail;
}

/** Makes the service. */
export function nodeKeysService(options: NodeKeysServiceOptions): Service {
  const { nodes, clock, admission, audit } = options;
  return defineService(NodeKeys, options.authenticate, {
    async rotateOwnKey(request, { caller }: Call<FleetCaller>) {
      const { key, peer } = caller;
      const row = await nodes.ofKey(key.id, clock.nowMicros());
      if (!row) throw flowerError("nodeNotAuthenticated", { grpcText: "Invalid node ID" });
      admission.require(row, { method: "RotateOwnKey", peer, fingerprint: key.fingerprint });
      const newKey = readNewKey(request.publicKey);
      const isNewest = row.keyId === key.id || row.keyId === newKey.id;
      if (!isNewest) {
        const sentence = "This key was replaced already; only the newest one names another.";
        throw new StatusError("FAILED_PRECONDITION", sentence);
      }
      if (!await verifyHandover(key, newKey, request)) {
        throw new StatusError("PERMISSION_DENIED", "Both keys must have signed the handover.");
      }
      const graceSeconds = Number(request.graceSeconds);
      const { nodeId } = row;
      const { publicKey: publicKeyPem } = request;
      const rotation = { nodeId, newKey, publicKeyPem, graceSeconds, by: `itself at ${peer}` };
      // Answered once its line is on disk: a restore must know that the old key was replaced.
      const after = await audited(
        audit,
        {
          who: { fingerprint: key.fingerprint },
          action: "node.rotate",
          subject: { nodeId, fingerprint: newKey.fingerprint },
          from: peer,
        },
        () => rotate(rotation, options),
      );
      const validUntil = after.earlierKeys?.find(({ keyId }) => keyId === key.id)?.validUntil;
      return { nodeId, validUntil: BigInt(validUntil ?? clock.nowMicros()) };
    },
  });
}
