import type { MessageInitShape } from "@bufbuild/protobuf";
import { formatTimestamp } from "../../keys/timestamp.ts";
import type { NodeInfoSchema } from "../../proto/gen/flwr/proto/node_pb.ts";
import type { Node } from "../state/node.ts";

const MICROS_PER_SECOND = 1_000_000;

/** A node as the Control API shows it (the numbering of Flower 1.24 and newer). */
export function nodeInfo({ row, lease }: Node): MessageInitShape<typeof NodeInfoSchema> {
  const onlineUntil = lease?.onlineUntil ?? row.onlineUntil;
  return {
    nodeId: row.nodeId,
    ownerAid: row.ownerId,
    ownerName: row.ownerName,
    status: row.status,
    registeredAt: formatTimestamp(row.registeredAt),
    ...optional("lastActivatedAt", row.activatedAt),
    ...optional("lastDeactivatedAt", row.deactivatedAt),
    ...optional("unregisteredAt", row.unregisteredAt),
    ...(onlineUntil === undefined ? {} : { onlineUntil: onlineUntil / MICROS_PER_SECOND }),
    heartbeatInterval: lease?.heartbeatIntervalS ?? row.heartbeatIntervalS,
    publicKey: row.publicKeyPem,
  };
}

function optional<K extends string>(key: K, micros: number | undefined) {
  return micros === undefined ? {} : { [key]: formatTimestamp(micros) };
}
