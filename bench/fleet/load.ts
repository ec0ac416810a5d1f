/**
 * The load of `bench/fleet.ts`, a process of its own: SuperNodes that register, activate and then send
 * signed heartbeats as fast as they are answered. A signature costs as much as what is measured, and
 * is a SuperNode's work, so the proofs are made before the clock starts. Should they be used up, the
 * measurement ends there.
 *
 *     deno run -A bench/fleet/load.ts grpc|http ADDRESS CA_FILE IN_FLIGHT SECONDS
 *
 * Prints one line of JSON, a {@linkcode LoadReport}.
 *
 * @module
 */

import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { generatePrivateKey } from "../../keys/private_key.ts";
import { type Proof, ProofSigner } from "../../keys/proof.ts";
import { spkiPem } from "../../keys/public_key.ts";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { type Address, parseAddress } from "../../wire/address.ts";
import type { CallHeaders } from "../../wire/grpc/client.ts";
import { HttpChannel } from "../../wire/http/client.ts";
import { quantile } from "../median.ts";
import { LeanChannel } from "./lean_channel.ts";
import { proofHeaders } from "../../wire/proof_headers.ts";

/** What the load came to. */
export interface LoadReport {
  /** Registrations a second, each with its activation. */
  readonly joinsPerSecond: number;
  readonly heartbeatsPerSecond: number;
  /** The 99th percentile of the heartbeats' times, in milliseconds. */
  readonly p99Ms: number;
  /** Calls that were not answered as they should be. */
  readonly failures: number;
}

const HEARTBEAT_INTERVAL_S = 30;

/** How many proofs are made for a second, for all nodes: more than any SuperLink here answers. */
const PROOFS_PER_SECOND = 2000;

/** A way to call the Fleet API. */
type Unary = <I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  headers: CallHeaders,
) => Promise<MessageShape<O>>;

/** Each node has a connection of its own. */
async function connect(plane: string, address: Address, rootCertificatesPem: string) {
  if (plane === "grpc") {
    const channel = await LeanChannel.open(address, rootCertificatesPem);
    const unary: Unary = (method, request, headers) => channel.unary(method, request, headers);
    return { unary, close: () => channel.close() };
  }
  const channel = new HttpChannel(address, { insecure: false, rootCertificatesPem });
  const unary: Unary = (method, request, headers) => channel.unary(method, request, { headers });
  return { unary, close: () => channel.close() };
}

class Node {
  readonly #unary: Unary;
  readonly #signer: ProofSigner;
  readonly #publicKey: Uint8Array;
  readonly #proofs: Proof[] = [];
  #nodeId = 0n;

  constructor(unary: Unary, signer: ProofSigner, publicKey: Uint8Array) {
    this.#unary = unary;
    this.#signer = signer;
    this.#publicKey = publicKey;
  }

  async join(): Promise<void> {
    const publicKey = this.#publicKey;
    await this.#unary(Fleet.method.registerNode, { publicKey }, await this.#headers());
    const { nodeId } = await this.#unary(Fleet.method.activateNode, {
      publicKey,
      heartbeatInterval: HEARTBEAT_INTERVAL_S,
    }, await this.#headers());
    this.#nodeId = nodeId;
  }

  async #headers(): Promise<CallHeaders> {
    return proofHeaders(await this.#signer.sign());
  }

  async makeProofs(count: number): Promise<void> {
    for (let made = 0; made < count; made++) this.#proofs.push(await this.#signer.sign());
  }

  get hasProof(): boolean {
    return this.#proofs.length > 0;
  }

  async heartbeat(): Promise<boolean> {
    const proof = this.#proofs.shift();
    if (!proof) throw new Error("No proof is left.");
    const { success } = await this.#unary(Fleet.method.sendNodeHeartbeat, {
      node: { nodeId: this.#nodeId },
      heartbeatInterval: HEARTBEAT_INTERVAL_S,
    }, proofHeaders(proof));
    return success;
  }
}

async function main(
  [plane = "", addressText = "", caFile = "", inFlight = "", seconds = ""]: string[],
) {
  const address = parseAddress(addressText);
  if (!address) throw new Error(`"${addressText}" is no address.`);
  const rootCertificatesPem = await Deno.readTextFile(caFile);
  const connections: { close(): void }[] = [];
  const nodes = await Promise.all(Array.from({ length: Number(inFlight) }, async () => {
    const key = await generatePrivateKey("P-384");
    const connection = await connect(plane, address, rootCertificatesPem);
    connections.push(connection);
    const publicKey = new TextEncoder().encode(spkiPem(key.publicKey));
    return new Node(connection.unary, await ProofSigner.create(key), publicKey);
  }));

  const joinStart = performance.now();
  await Promise.all(nodes.map((node) => node.join()));
  const joinsPerSecond = nodes.length / (performance.now() - joinStart) * 1000;

  const proofs = Math.ceil(PROOFS_PER_SECOND * Number(seconds) / nodes.length);
  await Promise.all(nodes.map((node) => node.makeProofs(proofs)));

  const times: number[] = [];
  let failures = 0;
  const start = performance.now();
  const end = start + Number(seconds) * 1000;
  await Promise.all(nodes.map(async (node) => {
    while (node.hasProof && performance.now() < end) {
      const sentAt = performance.now();
      if (await node.heartbeat().catch(() => false)) times.push(performance.now() - sentAt);
      else failures++;
    }
  }));
  const heartbeatsPerSecond = times.length / (performance.now() - start) * 1000;
  for (const connection of connections) connection.close();
  const report: LoadReport = {
    joinsPerSecond,
    heartbeatsPerSecond,
    p99Ms: quantile(times, 0.99),
    failures,
  };
  console.log(JSON.stringify(report));
}

if (import.meta.main) await main(Deno.args);
