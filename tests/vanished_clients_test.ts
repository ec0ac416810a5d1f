/** SuperNodes over HTTP that are gone from one moment to the next while their pulls are held. */

import { assert, assertEquals } from "@std/assert";
import { delay, pooledMap } from "@std/async";
import { generatePrivateKey, type PrivateKey } from "../keys/private_key.ts";
import { systemClock } from "../superlink/clock.ts";
import { FleetClient } from "../superlink/testing/fleet_client.ts";
import { parseAddress } from "../wire/address.ts";
import { TRELLIS } from "./harness/programs.ts";
import { scene } from "./harness/scene.ts";
import { startSuperLink, type SuperLink } from "./harness/superlink.ts";

const CLIENTS = 200;
const ROUNDS = 8;
/** After so many of them memory is as large as it gets. */
const WARM_UP_ROUNDS = 6;
/** So many start at once. */
const AT_ONCE = 20;
/** How soon their sockets are gone, on a busy machine. */
const GONE_MS = 20_000;
/** Half of what the connections of two rounds take that are kept. */
const SLACK_BYTES = 10 * 1024 ** 2;

/** How many sockets a process has open. Linux only. */
function openSockets(pid: number): number {
  const links = [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
    } catch {
      // It was closed meanwhile.
      return "";
    }
  });
  return links.filter((link) => link.startsWith("socket:")).length;
}

/** The resident memory of a process. Linux only. */
async function memoryBytes(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

/** Joins with each key, and gives the clients once a pull of each is held. */
async function holdAll(
  { httpAddress }: SuperLink,
  keys: readonly PrivateKey[],
  registered: boolean,
): Promise<FleetClient[]> {
  const address = parseAddress(httpAddress);
  assert(address);
  const clients = pooledMap(AT_ONCE, keys, async (key) => {
    const client = await FleetClient.create(
      { fleetAddress: address, clock: systemClock },
      { key, plane: "HTTP" },
    );
    const nodeId = registered ? await client.activate() : await client.join();
    // A process's first pull is answered at once.
    await client.pull(nodeId);
    client.pull(nodeId).then(() => answered++, () => {});
    // When these are answered it has long been admitted.
    for (let count = 0; count < 3; count++) await client.heartbeat(nodeId);
    return client;
  });
  let answered = 0;
  const all = await Array.fromAsync(clients);
  assertEquals(answered, 0, "pulls that were not held");
  return all;
}

scene(
  `${CLIENTS} SuperNodes that vanish while their pulls are held leave nothing on our SuperLink`,
  [],
  async (scene) => {
    const link = await startSuperLink(scene, TRELLIS.superlink);
    const { pid } = link.process;
    const keys = await Promise.all(
      Array.from({ length: CLIENTS }, () => generatePrivateKey("P-256")),
    );
    const socketsBefore = openSockets(pid);
    const memory: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      // That a key can join again at once shows that its held pull is given up.
      const clients = await holdAll(link, keys, round > 0);
      assert(openSockets(pid) >= socketsBefore + CLIENTS);
      for (const client of clients) client[Symbol.dispose]();
      const deadline = Date.now() + GONE_MS;
      while (openSockets(pid) > socketsBefore) {
        assert(Date.now() < deadline, `${openSockets(pid) - socketsBefore} sockets are still open`);
        await delay(20);
      }
      memory.push(await memoryBytes(pid));
    }
    const grown = (memory.at(-1) ?? 0) - (memory[WARM_UP_ROUNDS - 1] ?? 0);
    assert(grown < SLACK_BYTES, `the memory after each round: ${memory.map(inMb).join(", ")} MB`);
  },
);

function inMb(bytes: number): number {
  return Math.round(bytes / 1e6);
}
