import { create, type UnknownField } from "@bufbuild/protobuf";
import {
  type Metadata as MetadataProto,
  MetadataSchema,
} from "../proto/gen/flwr/proto/message_pb.ts";
import { parseMessageType } from "./message_type.ts";

/** The SuperLink's node id in messages: the source of instructions, the destination of replies. */
export const SUPERLINK_NODE_ID = 1n;

/** How long a message lives when nobody says otherwise: 12 hours, as in Flower. */
export const DEFAULT_TTL_SECONDS = 43_200;

/** What a message says of itself. */
export interface Metadata {
  readonly runId: bigint;
  /** The object id of the message; empty until that is known, and in the bytes that are hashed. */
  readonly messageId: string;
  readonly srcNodeId: bigint;
  readonly dstNodeId: bigint;
  /** The id of the instruction that this message answers; empty in an instruction. */
  readonly replyToMessageId: string;
  /** Free text; Flower's legacy workflow puts the round here. */
  readonly groupId: string;
  readonly ttlSeconds: number;
  /** See {@link parseMessageType}. */
  readonly messageType: string;
  /** Unix time, UTC. */
  readonly createdAtSeconds: number;
  /** Since Flower 1.30. */
  readonly srcTaskId?: bigint;
  /** Since Flower 1.30. */
  readonly dstTaskId?: bigint;
  /** Fields of newer Flower versions, kept so that they survive and the object id stays the same. */
  readonly unknownFields?: readonly UnknownField[];
}

/** @throws {RecordError} when the message type is not by Flower's grammar. */
export function metadataFromProto(proto: MetadataProto): Metadata {
  parseMessageType(proto.messageType);
  return {
    runId: proto.runId,
    messageId: proto.messageId,
    srcNodeId: proto.srcNodeId,
    dstNodeId: proto.dstNodeId,
    replyToMessageId: proto.replyToMessageId,
    groupId: proto.groupId,
    ttlSeconds: proto.ttl,
    messageType: proto.messageType,
    createdAtSeconds: proto.createdAt,
    ...(proto.srcTaskId !== undefined && { srcTaskId: proto.srcTaskId }),
    ...(proto.dstTaskId !== undefined && { dstTaskId: proto.dstTaskId }),
    ...(proto.$unknown !== undefined && { unknownFields: proto.$unknown }),
  };
}

/** The metadata as protobuf. */
export function metadataToProto(metadata: Metadata): MetadataProto {
  const proto = create(MetadataSchema, {
    runId: metadata.runId,
    messageId: metadata.messageId,
    srcNodeId: metadata.srcNodeId,
    dstNodeId: metadata.dstNodeId,
    replyToMessageId: metadata.replyToMessageId,
    groupId: metadata.groupId,
    ttl: metadata.ttlSeconds,
    messageType: metadata.messageType,
    createdAt: metadata.createdAtSeconds,
  });
  if (metadata.srcTaskId !== undefined) proto.srcTaskId = metadata.srcTaskId;
  if (metadata.dstTaskId !== undefined) proto.dstTaskId = metadata.dstTaskId;
  if (metadata.unknownFields !== undefined) proto.$unknown = [...metadata.unknownFields];
  return proto;
}
