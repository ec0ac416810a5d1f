import type { Metadata } from "@grpc/grpc-js";
import type { RequestHeaders } from "../service.ts";

/**
 * The headers of a gRPC call. A binary value travels under its name with `-bin`, in base64. A
 * header that is sent more than once says nothing certain and counts as absent.
 */
export function grpcHeaders(metadata: Metadata): RequestHeaders {
  return {
    text(name) {
      const [value, ...more] = metadata.get(name);
      return typeof value === "string" && more.length === 0 ? value : undefined;
    },
    bytes(name) {
      const [value, ...more] = metadata.get(`${name}-bin`);
      return typeof value === "object" && more.length === 0 ? new Uint8Array(value) : undefined;
    },
  };
}
