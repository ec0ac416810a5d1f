/**
 * A caller of the Fleet API that does what a test tells it, honest or not.
 *
 * @module
 */

import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { generatePrivateKey, type PrivateKey } from "../../keys/private_key.ts";
import { type Proof, ProofSigner } from "../../keys/proof.ts";
import { spkiPem } from "../../keys/public_key.ts";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import type { Address } from "../../wire/address.ts";
import { type CallHeaders, type ClientSecurity, GrpcChannel } from "../../wire/grpc/client.ts";
import { HttpChannel } from "../../wire/http/client.ts";
import { base64 } from "../../wire/testing/raw_connection.ts";
import { StatusError, type StatusName } from "../../wire/status.ts";
import type { Clock } from "../clock.ts";
import { proofHeaders } from "../../wire/proof_headers.ts";

/** The ways into the Fleet API; they differ in nothing but what refusals are called. */
export const PLANES = ["gRPC", "HTTP"] as const;

/** One of {@linkcode PLANES}. */
export type Plane = typeof PLANES[number];

/** What a test starts a client for. */
export interface FleetClientTarget {
  readonly fleetAddress: Address;
  /** Not needed over gRPC. */
  readonly httpAddress?: Address;
  readonly clock: Clock;
}

/** How a client differs from one with a new P-256 key on plain text. */
export interface FleetClientOptions {
  readonly key?: PrivateKey;
  readonly security?: ClientSecurity;
  /** Over gRPC without. */
  readonly plane?: Plane;
}

/** One connection to the Fleet API with one key; the end of its `using` block closes it. */
export class FleetClient implements Disposable {
  readonly method = Fleet.method;
  readonly key: PrivateKey;
  readonly publicKeyPem: Uint8Array<ArrayBuffer>;
  readonly #channel: GrpcChannel | HttpChannel;
  readonly #signer: ProofSigner;

  private constructor(key: PrivateKey, signer: ProofSigner, channel: GrpcChannel | HttpChannel) {
    this.key = key;
    this.publicKeyPem = new TextEncoder().encode(spkiPem(key.publicKey));
    this.#signer = signer;
    this.#channel = channel;
  }

  /** A client that signs by the SuperLink's clock; it connects with its first call. */
  static async create(
    { fleetAddress, httpAddress = fleetAddress, clock }: FleetClientTarget,
    { key, security = { insecure: true }, plane = "gRPC" }: FleetClientOptions = {},
  ): Promise<FleetClient> {
    // P-256 verifies twice as fast as P-384, and few tests care.
    const own = key ?? await generatePrivateKey("P-256");
    const signer = await ProofSigner.create(own, () => clock.nowMicros());
    const channel = plane === "HTTP"
      ? new HttpChannel(httpAddress, security)
      : new GrpcChannel(fleetAddress, security);
    return new FleetClient(own, signer, channel);
  }

  /** A new proof, not sent yet. */
  prove(): Promise<Proof> {
    return this.#signer.sign();
  }

  /** Makes a call with a new proof, or with the headers that are given. */
  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    headers?: CallHeaders,
    signal?: AbortSignal,
  ): Promise<MessageShape<O>> {
    const proved = headers ?? proofHeaders(await this.prove());
    return await this.#channel.unary(method, request, { headers: proved, signal });
  }

  /** Registers its key, as a SuperNode without a key file does. */
  async register(): Promise<bigint> {
    const { publicKeyPem: publicKey } = this;
    return (await this.call(this.method.registerNode, { publicKey })).nodeId;
  }

  async activate(heartbeatInterval = 30): Promise<bigint> {
    const { publicKeyPem: publicKey } = this;
    return (await this.call(this.method.activateNode, { publicKey, heartbeatInterval })).nodeId;
  }

  /** Registers and activates. */
  async join(): Promise<bigint> {
    await this.register();
    return await this.activate();
  }

  async heartbeat(nodeId: bigint, heartbeatInterval = 30): Promise<boolean> {
    const request = { node: { nodeId }, heartbeatInterval };
    return (await this.call(this.method.sendNodeHeartbeat, request)).success;
  }

  async pull(nodeId: bigint, signal?: AbortSignal): Promise<void> {
    await this.call(this.method.pullMessages, { node: { nodeId } }, undefined, signal);
  }

  async deactivate(nodeId: bigint): Promise<void> {
    await this.call(this.method.deactivateNode, { nodeId });
  }

  async unregister(nodeId: bigint): Promise<void> {
    await this.call(this.method.unregisterNode, { nodeId });
  }

  [Symbol.dispose](): void {
    this.#channel.close();
  }
}

/** The metadata that carries a proof, as it is on the wire. */
export function rawHeadersOf({ publicKeyPem, timestamp, signature }: Proof) {
  return {
    "flwr-public-key-bin": base64(publicKeyPem),
    "flwr-timestamp": timestamp,
    "flwr-signature-bin": base64(signature),
  };
}

/** How a refusal with Flower's gRPC text for proofs reads on a plane: over HTTP all are one. */
export function unproved(plane: Plane, grpcText: string): [StatusName, string] {
  return ["UNAUTHENTICATED", plane === "HTTP" ? "Invalid SuperNode authentication" : grpcText];
}

/** The status and text of a refused call; fails when the call was accepted. */
export async function refusal(call: Promise<unknown>): Promise<[StatusName, string]> {
  try {
    await call;
  } catch (error) {
    if (error instanceof StatusError) return [error.status, error.message];
    throw error;
  }
  throw new Error("The call was accepted.");
}
