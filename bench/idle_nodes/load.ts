/**
 * The load of `bench/idle_nodes.ts`, a process of its own: SuperNodes that join, each with a key and a
 * connection of its own, and then wait for work as Flower's do: heartbeats, a pull that is held, and
 * three seconds of sleep after an empty answer.
 *
 *     deno run -A bench/idle_nodes/load.ts ADDRESS CA_FILE NODES SETTLE_SECONDS SECONDS
 *
 * Prints `joined` once all are online, `measuring` when they have settled, `measured`, and then one line
 * of JSON, an {@linkcode IdleReport}.
 *
 * @module
 */

import { delay } from "@std/async";
import { Fleet } from "../../proto/gen/flwr/proto/fleet_pb.ts";
import { type Address, parseAddress } from "../../wire/address.ts";
import type { CallHeaders } from "../../wire/grpc/client.ts";
import { LeanChannel } from "../fleet/lean_channel.ts";
import { quantile } from "../median.ts";
import { QuickSigner } from "./quick_signer.ts";
import { proofHeaders } from "../../wire/proof_headers.ts";

/** What idle nodes came to. */
export interface IdleReport {
  /** How long all of them took to connect, register and activate. */
  readonly joinSeconds: number;
  readonly heartbeats: number;
  readonly pulls: number;
  /** The 99th percentile of the heartbeats' times, in milliseconds. */
  readonly p99Ms: number;
  /** Calls that were not answered as they should be. */
  readonly failures: number;
}

/** Flower's (1.23 to 1.42): a heartbeat comes 0.7 to 0.9 intervals after the one before. */
const HEARTBEAT_INTERVAL_S = 30;
const heartbeatPauseMs = () => HEARTBEAT_INTERVAL_S * 1000 * (0.7 + 0.2 * Math.random());
const SLEEP_MS = 3_000;
/** How long a SuperNode waits before it makes a call again that was not answered. */
const RETRY_MS = 1_000;
const MAX_TRIES = 60;
/** How many join at once: those that have joined already want their answers meanwhile. */
const JOINING = 4;

class IdleNode {
  readonly #channel: LeanChannel;
  readonly #signer = new QuickSigner();
  #nodeId = 0n;

  private constructor(channel: LeanChannel) {
    this.#channel = channel;
  }

  static async join(address: Address, rootCertificatesPem: string): Promise<IdleNode> {
    const node = new IdleNode(await LeanChannel.open(address, rootCertificatesPem));
    const publicKey = node.#signer.publicKeyPem;
    const heartbeatInterval = HEARTBEAT_INTERVAL_S;
    const { registerNode, activateNode } = Fleet.method;
    await untilAnswered(() => node.#channel.unary(registerNode, { publicKey }, node.#headers()));
    const activated = await untilAnswered(() =>
      node.#channel.unary(activateNode, { publicKey, heartbeatInterval }, node.#headers())
    );
    node.#nodeId = activated.nodeId;
    return node;
  }

  async heartbeat(): Promise<boolean> {
    const node = { nodeId: this.#nodeId };
    const heartbeatInterval = HEARTBEAT_INTERVAL_S;
    const { success } = await this.#channel.unary(
      Fleet.method.sendNodeHeartbeat,
      { node, heartbeatInterval },
      this.#headers(),
    );
    return success;
  }

  async pull(): Promise<void> {
    const node = { nodeId: this.#nodeId };
    await this.#channel.unary(Fleet.method.pullMessages, { node }, this.#headers());
  }

  close(): void {
    this.#channel.close();
  }

  #headers(): CallHeaders {
    return proofHeaders(this.#signer.sign());
  }
}

/** Makes a call again while the SuperLink has too much to do, as SuperNodes do while they join. */
async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return await call();
    } catch (error) {
      if (tries === MAX_TRIES) throw error;
      await delay(RETRY_MS);
    }
  }
}

async function main(
  [addressText = "", caFile = "", count = "", settleSeconds = "", seconds = ""]: string[],
) {
  const address = parseAddress(addressText);
  if (!address) throw new Error(`"${addressText}" is no address.`);
  const rootCertificatesPem = await Deno.readTextFile(caFile);
  const nodes: IdleNode[] = [];
  const times: number[] = [];
  let [pulls, failures, heartbeats] = [0, 0, 0];
  let measuring = false;

  const beat = async (node: IdleNode) => {
    // Nodes of a real fleet did not start in the same second.
    await delay(Math.random() * HEARTBEAT_INTERVAL_S * 1000);
    for (;;) {
      const start = performance.now();
      const ok = await node.heartbeat().catch(() => false);
      if (measuring) {
        heartbeats++;
        if (ok) times.push(performance.now() - start);
        else failures++;
      }
      await delay(heartbeatPauseMs());
    }
  };
  const pullAgain = async (node: IdleNode) => {
    for (;;) {
      const answered = await node.pull().then(() => true, () => false);
      if (measuring) {
        if (answered) pulls++;
        else failures++;
      }
      await delay(answered ? SLEEP_MS : HEARTBEAT_INTERVAL_S * 1000);
    }
  };

  const start = performance.now();
  const work: Promise<void>[] = [];
  await Promise.all(Array.from({ length: JOINING }, async (_, first) => {
    for (let number = first; number < Number(count); number += JOINING) {
      const node = await IdleNode.join(address, rootCertificatesPem);
      nodes.push(node);
      work.push(beat(node), pullAgain(node));
    }
  }));
  const joinSeconds = (performance.now() - start) / 1000;
  console.log("joined");
  await delay(Number(settleSeconds) * 1000);

  console.log("measuring");
  measuring = true;
  await delay(Number(seconds) * 1000);
  measuring = false;
  console.log("measured");
  // Whoever measures looks at the memory now, before the connections end.
  await delay(2_000);
  for (const node of nodes) node.close();
  const p99Ms = quantile(times, 0.99);
  const report: IdleReport = { joinSeconds, heartbeats, pulls, p99Ms, failures };
  console.log(JSON.stringify(report));
  // Without waiting for the calls that are held, and for the pauses between.
  Deno.exit(0);
}

if (import.meta.main) await main(Deno.args);
