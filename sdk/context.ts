import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ContextSchema } from "../proto/gen/flwr/proto/message_pb.ts";
import {
  type Context as WireContext,
  contextFromProto,
  contextToProto,
} from "../records/context.ts";
import { type FlowerRecord, RecordDict } from "../records/record_dict.ts";
import type { UserConfigValue } from "../config/user_config.ts";

/** What an app knows of its run and node, and what it keeps between messages. */
export interface Context {
  readonly runId: bigint;
  /** 0 in a ServerApp. */
  readonly nodeId: bigint;
  /** The node's own settings (`--node-config`), for example `partition-id`; empty in a ServerApp. */
  readonly nodeConfig: ReadonlyMap<string, UserConfigValue>;
  /** `[tool.flwr.app.config]` with what `--run-config` overrides. */
  readonly runConfig: ReadonlyMap<string, UserConfigValue>;
  /** Records that a ClientApp finds again at the next message of the same run, on the same node. */
  readonly state: Map<string, FlowerRecord>;
}

/** A {@linkcode Context} and the way back to the bytes that it came from. */
export interface DecodedContext {
  readonly context: Context;
  /** The context as protobuf, with the state as it is now. */
  encode(): Uint8Array;
}

/**
 * Decodes a protobuf `flwr.proto.Context`.
 *
 * @throws {RecordError} when a record of the state or a config entry is malformed.
 */
export function decodeContext(bytes: Uint8Array): DecodedContext {
  const wire: WireContext = contextFromProto(fromBinary(ContextSchema, bytes));
  const { runId, nodeId, nodeConfig, runConfig } = wire;
  const context = { runId, nodeId, nodeConfig, runConfig, state: new Map(wire.state) };
  return {
    context,
    encode: () =>
      toBinary(
        ContextSchema,
        contextToProto({ ...wire, state: new RecordDict(context.state) }),
      ),
  };
}
