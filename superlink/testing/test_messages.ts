/**
 * Messages as apps make them, with all their objects, for tests that push them over the wire.
 *
 * @module
 */

import type { Message, ObjectTree } from "../../proto/gen/flwr/proto/message_pb.ts";
import { FlowerArray } from "../../records/array.ts";
import { ArrayRecord } from "../../records/array_record.ts";
import { ConfigRecord } from "../../records/config_record.ts";
import { deflateMessage } from "../../records/deflate.ts";
import {
  createInstruction,
  type Message as AppMessage,
  pushedMessage,
} from "../../records/message.ts";
import type { Metadata } from "../../records/metadata.ts";
import { MetricRecord } from "../../records/metric_record.ts";
import { RecordDict } from "../../records/record_dict.ts";
import { createErrorReply, createReply } from "../../records/reply.ts";

/** A message with its tree and the bytes of its objects. */
export interface Carried {
  readonly messageId: string;
  readonly message: Message;
  readonly tree: ObjectTree;
  /** Object ids to bytes, children before their parents. */
  readonly contents: ReadonlyMap<string, Uint8Array>;
  readonly metadata: Metadata;
}

/** Takes an app's message apart. */
export function carry(message: AppMessage): Carried {
  const { objectId, objects, tree } = deflateMessage(message);
  return {
    messageId: objectId,
    message: pushedMessage(message, objectId),
    tree,
    contents: new Map(objects.map((object) => [object.objectId, object.content()])),
    metadata: { ...message.metadata, messageId: objectId },
  };
}

/** What an instruction is made of. */
export interface InstructionOptions {
  readonly runId: bigint;
  readonly nodeId: bigint;
  readonly nowMicros: number;
  readonly content?: RecordDict;
  readonly ttlSeconds?: number;
  readonly groupId?: string;
  readonly messageType?: string;
}

/** An instruction to a node, with a config by default. */
export function instruction(options: InstructionOptions): Carried {
  const { runId, nodeId, nowMicros, content = config("round", 1n), ...rest } = options;
  return carry(createInstruction({
    messageType: "train",
    ...rest,
    runId,
    dstNodeId: nodeId,
    content,
    nowSeconds: nowMicros / 1e6,
  }));
}

/** A node's reply to an instruction. */
export function replyTo(
  { metadata }: Carried,
  nowMicros: number,
  content: RecordDict = new RecordDict({ metrics: new MetricRecord({ loss: 0.5 }) }),
  ttlSeconds?: number,
): Carried {
  const options = {
    nowSeconds: nowMicros / 1e6,
    ...ttlSeconds === undefined ? {} : { ttlSeconds },
  };
  return carry(createReply(metadata, content, options));
}

/** A node's reply that its app failed. */
export function errorReplyTo({ metadata }: Carried, nowMicros: number, reason: string): Carried {
  return carry(createErrorReply(metadata, { code: 2n, reason }, { nowSeconds: nowMicros / 1e6 }));
}

/** Content with one config value. */
export function config(key: string, value: bigint | string): RecordDict {
  return new RecordDict({ config: new ConfigRecord({ [key]: value }) });
}

/** Content with arrays of the given bytes. */
export function arrays(...datas: readonly Uint8Array[]): RecordDict {
  return new RecordDict({
    arrays: new ArrayRecord(Object.fromEntries(datas.map((data, index) => [
      `layer ${index}`,
      new FlowerArray({ dtype: "uint8", shape: [data.length], stype: "raw", data }),
    ]))),
  });
}
