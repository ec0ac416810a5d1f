/**
 * The gRPC adapter: the Fleet API through one call that carries any of its messages by name. NVIDIA
 * FLARE carries Flower so, and SuperNodes of 1.23 to 1.39 speak it with `--grpc-adapter`.
 *
 * Flower does not authenticate SuperNodes here. They send their proofs all the same, as metadata of
 * the call, and nothing is done without one; a carrier in between has to pass the metadata on.
 *
 * @module
 */

import { create, type DescMethod, fromBinary, toBinary } from "@bufbuild/protobuf";
import { GrpcAdapter } from "../../proto/gen/flwr/proto/grpcadapter_pb.ts";
import { type Call, defineService, type Service } from "../../wire/service.ts";
import { StatusError } from "../../wire/status.ts";

/** The entry of a container's metadata that says which message it has. */
const TYPE_NAME = "grpc-message-qualname";

/** Makes the adapter of the Fleet service. */
export function grpcAdapter(fleet: Service): Service {
  const methods = new Map<string, DescMethod>();
  for (const method of fleet.descriptor.methods) methods.set(method.input.name, method);
  return defineService(GrpcAdapter, (call) => fleet.admit(call), {
    async sendReceive({ metadata, grpcMessageName, grpcMessageContent }, call: Call<unknown>) {
      const method = methods.get(grpcMessageName);
      if (!method) throw new StatusError("UNKNOWN", "Unknown message of the Fleet API.");
      const request = decode(method, grpcMessageContent);
      const answer = await fleet.call(method, request, call.caller, call.signal);
      const { output } = method;
      return {
        metadata: { ...metadata, [TYPE_NAME]: output.name },
        grpcMessageName: output.name,
        grpcMessageContent: toBinary(output, create(output, answer)),
      };
    },
  });
}

function decode({ input }: DescMethod, content: Uint8Array) {
  try {
    return fromBinary(input, content);
  } catch (cause) {
    throw new StatusError("INVALID_ARGUMENT", `The content is not a ${input.name}.`, { cause });
  }
}
