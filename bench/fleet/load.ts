/**
 * The load of `bench/fleet.ts`, a process of its own: SuperNodes that register, activate and then send
 * signed heartbeats as fast as they are answered.
 *
 *     deno run -A bench/fleet/load.ts ADDRESS CA_FILE IN_FLIGHT SECONDS
 *
 * Prints one line of JSON, a {@linkcode LoadReport}.
 *
 * @module
 */

import { generatePrivateKey } from "../../keys/private_key.ts";
import { ProofSigner } from "../../keys/proof.ts";
import { spkiPem } from "../../keys/public_key.ts";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { parseAddress } from "../../wire/address.ts";
import { type CallHeaders, GrpcChannel } from "../../wire/grpc/client.ts";
import { quantile } from "../median.ts";

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

class Node {
  readonly #channel: GrpcChannel;
  readonly #signer: ProofSigner;
  readonly #publicKey: Uint8Array;
  #nodeId = 0n;

  constructor(channel: GrpcChannel, signer: ProofSigner, publicKey: Uint8Array) {
    this.#channel = channel;
    this.#signer = signer;
    this.#publicKey = publicKey;
  }

  async join(): Promise<void> {
    const publicKey = this.#publicKey;
    await this.#channel.unary(Fleet.method.registerNode, { publicKey }, {
      headers: await this.#headers(),
    });
    const { nodeId } = await this.#channel.unary(Fleet.method.activateNode, {
      publicKey,
      heartbeatInterval: HEARTBEAT_INTERVAL_S,
    }, { headers: await this.#headers() });
    this.#nodeId = nodeId;
  }

  async heartbeat(): Promise<boolean> {
    const { success } = await this.#channel.unary(Fleet.method.sendNodeHeartbeat, {
      node: { nodeId: this.#nodeId },
      heartbeatInterval: HEARTBEAT_INTERVAL_S,
    }, { headers: await this.#headers() });
    return success;
  }

  async #headers(): Promise<CallHeaders> {
    const { publicKeyPem, timestamp, signature } = await this.#signer.sign();
    return {
      text: { "flwr-timestamp": timestamp },
      bytes: { "flwr-public-key": publicKeyPem, "flwr-signature": signature },
    };
  }
}

async function main([addressText = "", caFile = "", inFlight = "", seconds = ""]: string[]) {
  const address = parseAddress(addressText);
  if (!address) throw new Error(`"${addressText}" is no address.`);
  const rootCertificatesPem = await Deno.readTextFile(caFile);
  const channels: GrpcChannel[] = [];
  const nodes = await Promise.all(Array.from({ length: Number(inFlight) }, async () => {
    const key = await generatePrivateKey("P-384");
    const channel = new GrpcChannel(address, { insecure: false, rootCertificatesPem });
    channels.push(channel);
    const publicKey = new TextEncoder().encode(spkiPem(key.publicKey));
    return new Node(channel, await ProofSigner.create(key), publicKey);
  }));

  const joinStart = performance.now();
  await Promise.all(nodes.map((node) => node.join()));
  const joinsPerSecond = nodes.length / (performance.now() - joinStart) * 1000;

  const times: number[] = [];
  let failures = 0;
  const start = performance.now();
  const end = start + Number(seconds) * 1000;
  await Promise.all(nodes.map(async (node) => {
    while (performance.now() < end) {
      const sentAt = performance.now();
      if (await node.heartbeat().catch(() => false)) times.push(performance.now() - sentAt);
      else failures++;
    }
  }));
  const heartbeatsPerSecond = times.length / (performance.now() - start) * 1000;
  for (const channel of channels) channel.close();
  const report: LoadReport = {
    joinsPerSecond,
    heartbeatsPerSecond,
    p99Ms: quantile(times, 0.99),
    failures,
  };
  console.log(JSON.stringify(report));
}

if (import.meta.main) await main(Deno.args);
