import * as grpc from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import type { DescMethod, DescService } from "@bufbuild/protobuf";

/** How grpc-js serves a method: it hands bytes on, in both directions. */
export function methodDefinition(
  service: DescService,
  method: DescMethod,
): grpc.MethodDefinition<unknown, Uint8Array> {
  return {
    path: `/${service.typeName}/${method.name}`,
    requestStream: false,
    responseStream: method.methodKind === "server_streaming",
    requestSerialize: () => Buffer.alloc(0),
    // Left as bytes here, so that a body which is no protobuf gets an answer of our own.
    requestDeserialize: (bytes) => bytes,
    responseSerialize: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    responseDeserialize: (bytes) => bytes,
  };
}
