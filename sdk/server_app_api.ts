import type { Message as MessageProto, ObjectTree } from "../proto/gen/flwr/proto/message_pb.ts";

import type { CarriedObject } from "../records/carry_room.ts";

/** A message as it travels between app and SuperLink: without payload, with the tree of objects. */
export interface Envelope {
  readonly message: MessageProto;
  readonly tree: ObjectTree;
}

/** What became of pushed messages. */
export interface PushAnswer {
  /** In the order of the messages; empty where the SuperLink has no such node for the run. */
  readonly messageIds: readonly string[];
  /** The ids of the objects that the receiver does not have yet. */
  readonly objectsToPush: readonly string[];
}

/** Takes messages and their objects: the SuperLink for a ServerApp, the SuperNode for a ClientApp. */
export interface PushTarget {
  /** `carried` are small objects of the messages that may travel with them. */
  pushMessages(
    envelopes: readonly Envelope[],
    carried: readonly CarriedObject[],
  ): Promise<PushAnswer>;
  /** Takes the content over: the caller must not use it afterwards. */
  pushObject(objectId: string, content: Uint8Array): Promise<void>;
}

/**
 * What a ServerApp may ask of the SuperLink. Its methods reject when the SuperLink refuses; they wait
 * as long as it cannot be reached.
 */
export interface ServerAppApi extends PushTarget {
  /** The nodes that are online now. */
  getNodeIds(): Promise<readonly bigint[]>;
  /** The replies to the given instructions that are there; each is given out once. */
  pullMessages(messageIds: readonly string[]): Promise<readonly Envelope[]>;
  /** An object's content, or `undefined` when it cannot be had. */
  pullObject(objectId: string): Promise<Uint8Array | undefined>;
  /** Tells that a message and its objects have been received and can be freed. */
  confirmMessage(messageId: string): Promise<void>;
}
