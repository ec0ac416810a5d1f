import { create, type UnknownField } from "@bufbuild/protobuf";
import { type Error as ErrorProto, ErrorSchema } from "../proto/gen/flwr/proto/error_pb.ts";
import { type Message as MessageProto, MessageSchema } from "../proto/gen/flwr/proto/message_pb.ts";
import {
  DEFAULT_TTL_SECONDS,
  type Metadata,
  metadataFromProto,
  metadataToProto,
  SUPERLINK_NODE_ID,
} from "./metadata.ts";
import { parseMessageType } from "./message_type.ts";
import { RecordDict } from "./record_dict.ts";
import { RecordError } from "./record_error.ts";

/** Why a message has no content. */
export interface MessageError {
  /** One of `ErrorCode`, or an app's own. */
  readonly code: bigint;
  /** For people; empty and absent are the same. */
  readonly reason: string;
  /** Fields of newer Flower versions. */
  readonly unknownFields?: readonly UnknownField[];
}

/** What every message has. */
interface MessageBase {
  readonly metadata: Metadata;
  /** Fields of newer Flower versions. */
  readonly unknownFields?: readonly UnknownField[];
}

/** A message that carries records. */
export interface ContentMessage extends MessageBase {
  readonly content: RecordDict;
  readonly error?: undefined;
}

/** A message that carries an error in place of records. */
export interface ErrorMessage extends MessageBase {
  readonly content?: undefined;
  readonly error: MessageError;
}

/** Flower's Message: either content or an error. */
export type Message = ContentMessage | ErrorMessage;

/** An instruction of a ServerApp to a node. */
export interface InstructionOptions {
  readonly runId: bigint;
  readonly dstNodeId: bigint;
  readonly messageType: string;
  readonly content: RecordDict;
  /** Unix time, UTC. */
  readonly nowSeconds: number;
  /** Free text, empty by default. */
  readonly groupId?: string;
  /** 12 hours by default. */
  readonly ttlSeconds?: number;
}

/**
 * An instruction from the SuperLink to a node. Its message id is known once it is deflated.
 *
 * @throws {RecordError} when the message type is not by Flower's grammar.
 */
export function createInstruction(options: InstructionOptions): ContentMessage {
  parseMessageType(options.messageType);
  return {
    metadata: {
      runId: options.runId,
      messageId: "",
      srcNodeId: SUPERLINK_NODE_ID,
      dstNodeId: options.dstNodeId,
      replyToMessageId: "",
      groupId: options.groupId ?? "",
      ttlSeconds: options.ttlSeconds ?? DEFAULT_TTL_SECONDS,
      messageType: options.messageType,
      createdAtSeconds: options.nowSeconds,
    },
    content: options.content,
  };
}

/**
 * A message as it travels in `messages_list`: its metadata with the message id (the object id of the
 * deflated message), and an empty content that is present, or the error.
 */
export function pushedMessage(message: Message, messageId: string): MessageProto {
  const proto = envelope(message, messageId);
  if (message.error === undefined) proto.content = new RecordDict().toProto();
  return proto;
}

/** The protobuf message that is hashed into the message id: no message id, and no content. */
export function hashedMessage(message: Message): MessageProto {
  return envelope(message, "");
}

function envelope(message: Message, messageId: string): MessageProto {
  const proto = create(MessageSchema, {
    metadata: metadataToProto({ ...message.metadata, messageId }),
  });
  if (message.error !== undefined) proto.error = errorToProto(message.error);
  if (message.unknownFields !== undefined) proto.$unknown = [...message.unknownFields];
  return proto;
}

/**
 * Puts a message together from what {@link hashedMessage} made and its content.
 *
 * @param content the inflated records, absent for an error.
 * @throws {RecordError} when the metadata is missing or malformed, or when there is not exactly one of
 * content and error.
 */
export function messageFromHashed(
  proto: MessageProto,
  messageId: string,
  content: RecordDict | undefined,
): Message {
  if (proto.metadata === undefined) throw new RecordError("The message has no metadata.");
  if (proto.metadata.messageId !== "" || proto.content !== undefined) {
    throw new RecordError("The message has an id or content inside what is hashed into its id.");
  }
  const base: MessageBase = {
    metadata: { ...metadataFromProto(proto.metadata), messageId },
    ...(proto.$unknown !== undefined && { unknownFields: proto.$unknown }),
  };
  if (proto.error !== undefined && content === undefined) {
    return { ...base, error: errorFromProto(proto.error) };
  }
  if (proto.error === undefined && content !== undefined) return { ...base, content };
  throw new RecordError("The message does not have exactly one of content and error.");
}

function errorToProto(error: MessageError): ErrorProto {
  const proto = create(ErrorSchema, { code: error.code, reason: error.reason });
  if (error.unknownFields !== undefined) proto.$unknown = [...error.unknownFields];
  return proto;
}

function errorFromProto(proto: ErrorProto): MessageError {
  return {
    code: proto.code,
    reason: proto.reason,
    ...(proto.$unknown !== undefined && { unknownFields: proto.$unknown }),
  };
}
