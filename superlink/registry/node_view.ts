import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RegisteredNodeSchema } from "../../proto/gen/trellis/v1/registry_pb.ts";
import { barOf, leaseBegan } from "../state/node_life.ts";
import type { NodeRow } from "../state/layout.ts";
import type { Node } from "../state/node.ts";

/** How a node is, in one word: Flower's, or why it is shut out. */
export function statusWord(row: NodeRow, nowMicros: number): string {
  return row.status === "unregistered" ? row.status : barOf(row, nowMicros) ?? row.status;
}

/** A node as `trellis.v1.Registry` shows it. */
export function registeredNode(
  { row, lease }: Node,
  nowMicros: number,
  withKey: boolean,
): MessageInitShape<typeof RegisteredNodeSchema> {
  return {
    nodeId: row.nodeId,
    status: statusWord(row, nowMicros),
    fingerprint: row.fingerprint,
    keyless: row.keyless,
    ownerAid: row.ownerId,
    ownerName: row.ownerName,
    name: row.name ?? "",
    location: row.location ?? "",
    labels: { ...row.labels },
    version: row.version ?? "",
    transport: row.transport ?? "",
    heartbeatInterval: lease?.heartbeatIntervalS ?? row.heartbeatIntervalS,
    earlierKeys: (row.earlierKeys ?? []).filter(({ validUntil }) => validUntil > nowMicros)
      .map(({ fingerprint, validUntil }) => ({ fingerprint, validUntil: BigInt(validUntil) })),
    registeredAt: BigInt(row.registeredAt),
    ...at("activatedAt", row.activatedAt),
    ...at("deactivatedAt", row.deactivatedAt),
    ...at("unregisteredAt", row.unregisteredAt),
    ...at("lastSeenAt", lease ? leaseBegan(lease) : row.deactivatedAt),
    ...at("suspendedAt", row.suspendedAt),
    ...at("expiresAt", row.expiresAt),
    ...(withKey ? { publicKey: row.publicKeyPem } : {}),
  };
}

function at<K extends string>(key: K, micros: number | undefined) {
  return micros === undefined ? {} : { [key]: BigInt(Math.round(micros)) };
}
