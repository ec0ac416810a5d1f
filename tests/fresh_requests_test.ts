/**
 * The replay guard refuses no honest request, however many there are, and accepts no captured one,
 * also when a key has sent more than are remembered.
 */

import { assert, assertEquals } from "@std/assert";
import { pooledMap } from "@std/async";
import { generatePrivateKey } from "../keys/private_key.ts";
import type { Proof } from "../keys/proof.ts";
import { systemClock } from "../superlink/clock.ts";
import { FleetClient, refusal } from "../superlink/testing/fleet_client.ts";
import { parseAddress } from "../wire/address.ts";
import { TRELLIS } from "./harness/programs.ts";
import { scene } from "./harness/scene.ts";
import { proofHeaders } from "../wire/proof_headers.ts";

const START_MS = 60_000;
const NODES = 20;
const REQUESTS = 250;
/** Requests of one node that are under way at the same time; a SuperNode has up to four. */
const IN_FLIGHT = 4;
/** More than are remembered of one key. */
const FLOOD = 4_096 + 100;

interface Node {
  readonly client: FleetClient;
  readonly nodeId: bigint;
}

/** Sends heartbeats, every one with a new proof, and keeps the first proofs. */
async function heartbeats({ client, nodeId }: Node, count: number): Promise<Proof[]> {
  const kept: Proof[] = [];
  const beat = async () => {
    const proof = await client.prove();
    if (kept.length < 20) kept.push(proof);
    const request = { node: { nodeId }, heartbeatInterval: 30 };
    const { success } = await client.call(
      client.method.sendNodeHeartbeat,
      request,
      proofHeaders(proof),
    );
    assert(success);
  };
  for await (const _ of pooledMap(IN_FLIGHT, Array.from({ length: count }), beat));
  return kept;
}

scene("20 SuperNodes make 5,000 requests, and none is refused", [], async (scene) => {
  const superlink = scene.start(TRELLIS.superlink, {
    name: "SuperLink",
    args: [
      ...["--insecure", "--no-http", "--isolation", "process"],
      ...["--database", scene.path("superlink.kv")],
      ...["--fleet-api-address", "127.0.0.1:0", "--control-api-address", "127.0.0.1:0"],
      ...["--serverappio-api-address", "127.0.0.1:0", "--dashboard-address", "none"],
    ],
  });
  const [, address = ""] = await superlink.waitForLine(/Fleet API on (\S+) /, START_MS);
  await superlink.waitForLine(/SuperLink is ready/, START_MS);
  const fleetAddress = parseAddress(address);
  assert(fleetAddress !== undefined);

  const nodes = await Promise.all(Array.from({ length: NODES }, async (_, number) => {
    // P-384 is what Flower uses; it takes twice as long.
    const key = await generatePrivateKey(number % 10 === 0 ? "P-384" : "P-256");
    const client = await FleetClient.create({ fleetAddress, clock: systemClock }, { key });
    return { client, nodeId: await client.join() };
  }));
  try {
    const captured = await Promise.all(nodes.map((node) => heartbeats(node, REQUESTS)));
    const [, flooded] = nodes;
    assert(flooded !== undefined);
    await heartbeats(flooded, FLOOD - REQUESTS);
    for (const [index, { client, nodeId }] of nodes.entries()) {
      for (const proof of captured[index] ?? []) {
        const request = { node: { nodeId }, heartbeatInterval: 30 };
        const again = client.call(client.method.sendNodeHeartbeat, request, proofHeaders(proof));
        assertEquals((await refusal(again))[0], "UNAVAILABLE");
      }
      assert(await client.heartbeat(nodeId), "the node goes on");
    }
  } finally {
    for (const { client } of nodes) client[Symbol.dispose]();
  }
});
