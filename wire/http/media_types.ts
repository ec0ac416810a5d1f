/**
 * The media types of Flower's HTTP APIs (1.35 and newer).
 *
 * @module
 */

/** One serialized message. */
export const PROTOBUF = "application/protobuf";
/** Serialized messages, each behind its length. */
export const PROTOBUF_STREAM = "application/flower-protobuf-stream";
/** Errors. */
export const JSON_TYPE = "application/json";

/** Whether a `Content-Type` says {@linkcode PROTOBUF}; parameters and case do not matter. */
export function isProtobuf(contentType: string | null): boolean {
  const [type = ""] = (contentType ?? "").split(";");
  return type.trim().toLowerCase() === PROTOBUF;
}
