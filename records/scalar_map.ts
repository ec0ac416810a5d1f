import { create } from "@bufbuild/protobuf";
import type { UserConfig, UserConfigValue } from "../config/user_config.ts";
import { type Scalar, ScalarSchema } from "../proto/gen/flwr/proto/transport_pb.ts";
import { RecordError } from "./record_error.ts";
import { isRepresentable, needsUint64 } from "./record_value.ts";

/**
 * Settings from a protobuf map.
 *
 * @throws {RecordError} when a value is bytes, which Flower's configs do not hold, or not set.
 */
export function userConfigFromProto(proto: { readonly [key: string]: Scalar }): UserConfig {
  const config: UserConfig = new Map();
  for (const [key, { scalar }] of Object.entries(proto)) {
    if (scalar.case === undefined || scalar.case === "bytes") {
      throw new RecordError(`The config entry '${key}' is not a bool, int, float or str.`);
    }
    config.set(key, scalar.value);
  }
  return config;
}

/**
 * Settings as a protobuf map.
 *
 * @throws {RecordError} when an int is out of the range that protobuf can carry.
 */
export function userConfigToProto(
  config: ReadonlyMap<string, UserConfigValue>,
): { [key: string]: Scalar } {
  return Object.fromEntries(
    Array.from(config, ([key, value]) => [
      key,
      create(ScalarSchema, { scalar: toScalar(key, value) }),
    ]),
  );
}

function toScalar(key: string, value: UserConfigValue): Scalar["scalar"] {
  if (typeof value === "boolean") return { case: "bool", value };
  if (typeof value === "number") return { case: "double", value };
  if (typeof value === "string") return { case: "string", value };
  if (!isRepresentable(value)) {
    throw new RecordError(`The value of '${key}' does not fit int64 or uint64.`);
  }
  return { case: needsUint64(value) ? "uint64" : "sint64", value };
}
