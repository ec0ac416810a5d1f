/**
 * An operator who calls Trellis's own services, over either plane.
 *
 * @module
 */

import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { Registry } from "../../proto/gen/trellis/v1/registry_pb.ts";
import type { Address } from "../../wire/address.ts";
import { GrpcChannel } from "../../wire/grpc/client.ts";
import { HttpChannel } from "../../wire/http/client.ts";
import type { Plane } from "./fleet_client.ts";

/** What a test starts a client for. */
export interface OperatorTarget {
  readonly controlAddress: Address;
  readonly httpAddress: Address;
}

/** One connection; the end of its `using` block closes it. */
export class OperatorClient implements Disposable {
  readonly registry = Registry.method;
  readonly #channel: GrpcChannel | HttpChannel;
  readonly #token: string | undefined;

  /** `token` is sent where one is asked for. */
  constructor(
    { controlAddress, httpAddress }: OperatorTarget,
    plane: Plane = "gRPC",
    token?: string,
  ) {
    this.#token = token;
    this.#channel = plane === "HTTP"
      ? new HttpChannel(httpAddress, { insecure: true })
      : new GrpcChannel(controlAddress, { insecure: true });
  }

  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    const authorization = `Bearer ${this.#token}`;
    const options = this.#token === undefined ? {} : { headers: { text: { authorization } } };
    return this.#channel.unary(method, request, options);
  }

  async suspend(...nodeIds: bigint[]): Promise<readonly bigint[]> {
    return (await this.call(this.registry.suspendNodes, { nodeIds })).nodeIds;
  }

  async resume(...nodeIds: bigint[]): Promise<readonly bigint[]> {
    return (await this.call(this.registry.resumeNodes, { nodeIds })).nodeIds;
  }

  /** A node as it is listed. */
  async show(nodeId: bigint) {
    const { nodes: [node] } = await this.call(this.registry.listNodes, { nodeIds: [nodeId] });
    if (!node) throw new Error(`SuperNode ${nodeId} is not listed.`);
    return node;
  }

  [Symbol.dispose](): void {
    this.#channel.close();
  }
}
