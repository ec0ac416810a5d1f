import { create, type UnknownField } from "@bufbuild/protobuf";
import type { UserConfigValue } from "../config/user_config.ts";
import { type Context as ContextProto, ContextSchema } from "../proto/gen/flwr/proto/message_pb.ts";
import { RecordDict } from "./record_dict.ts";
import { userConfigFromProto, userConfigToProto } from "./scalar_map.ts";

/**
 * Flower's Context: what an app knows of its run and node, and the state that it keeps between
 * messages. It is plain protobuf, with the state's arrays inline, and not an object.
 */
export interface Context {
  readonly runId: bigint;
  /** 0 for a ServerApp of Flower 1.25. */
  readonly nodeId: bigint;
  readonly nodeConfig: ReadonlyMap<string, UserConfigValue>;
  readonly state: RecordDict;
  readonly runConfig: ReadonlyMap<string, UserConfigValue>;
  /** Since Flower 1.31; 0 before. */
  readonly seriesId: bigint;
  /** Fields of newer Flower versions. */
  readonly unknownFields?: readonly UnknownField[];
}

/** @throws {RecordError} when a record of the state or a config entry is malformed. */
export function contextFromProto(proto: ContextProto): Context {
  return {
    runId: proto.runId,
    nodeId: proto.nodeId,
    nodeConfig: userConfigFromProto(proto.nodeConfig),
    state: proto.state === undefined ? new RecordDict() : RecordDict.fromProto(proto.state),
    runConfig: userConfigFromProto(proto.runConfig),
    seriesId: proto.seriesId,
    ...(proto.$unknown !== undefined && { unknownFields: proto.$unknown }),
  };
}

/**
 * The context as protobuf. The state is present even when it is empty, as in Flower.
 *
 * @throws {RecordError} when a config's int is out of range.
 */
export function contextToProto(context: Context): ContextProto {
  const proto = create(ContextSchema, {
    runId: context.runId,
    nodeId: context.nodeId,
    nodeConfig: userConfigToProto(context.nodeConfig),
    state: context.state.toProto(),
    runConfig: userConfigToProto(context.runConfig),
    seriesId: context.seriesId,
  });
  if (context.unknownFields !== undefined) proto.$unknown = [...context.unknownFields];
  return proto;
}
