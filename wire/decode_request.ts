import { type DescMethod, fromBinary, type Message } from "@bufbuild/protobuf";
import { StatusError } from "./status.ts";

/** Reads a request; one that is none is `INVALID_ARGUMENT`. */
export function decodeRequest(method: DescMethod, bytes: Uint8Array): Message {
  try {
    return fromBinary(method.input, bytes);
  } catch (cause) {
    throw new StatusError("INVALID_ARGUMENT", `The request is not a ${method.input.name}.`, {
      cause,
    });
  }
}
