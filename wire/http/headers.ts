import { decodeBase64, encodeBase64 } from "@std/encoding";
import type { CallHeaders } from "../grpc/client.ts";
import type { RequestHeaders } from "../service.ts";

/**
 * Standard base64 with its padding, nothing around or between (what Flower 1.40 insists on), and with
 * zeros in the bits that are left over (RFC 4648 section 3.5), so that a value has one spelling.
 */
const STRICT_BASE64 =
  /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$/;

/**
 * The headers of an HTTP call. A binary value travels under its own name in strict base64. A header
 * that is sent twice arrives as one with a comma, which neither base64 nor a timestamp nor a token
 * has, so it says nothing, as over gRPC.
 */
export function httpHeaders(headers: Headers): RequestHeaders {
  return {
    text: (name) => headers.get(name) ?? undefined,
    bytes(name) {
      const text = headers.get(name);
      return text !== null && STRICT_BASE64.test(text) ? decodeBase64(text) : undefined;
    },
  };
}

/** The headers of a call as a client sends them. */
export function clientHeaders({ text = {}, bytes = {} }: CallHeaders): Record<string, string> {
  const encoded = Object.entries(bytes).map(([name, value]) => [name, encodeBase64(value)]);
  return { ...text, ...Object.fromEntries(encoded) };
}
