import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { makeAppCli } from "../harness/app_cli.ts";
import { makeCli, shown } from "../harness/cli.ts";
import { startFleet } from "../harness/fleet.ts";
import { flower, TRELLIS, trellisOver } from "../harness/programs.ts";
import { scene } from "../harness/scene.ts";
import { JOIN_MS } from "../harness/supernode.ts";

/** They ask again at least every 20 s, and heartbeats bring them online. */
const BACK_MS = 60_000;

const SUPERNODES = [
  flower("1.25.0").supernode,
  flower("1.41.0").supernode,
  trellisOver("grpc").supernode,
  trellisOver("http").supernode,
];

scene(
  "SuperNodes of Flower 1.25 and 1.41 and ours wait while they are suspended, and come back by themselves",
  SUPERNODES,
  async (scene) => {
    const { link, nodes } = await startFleet(scene, {
      superlink: TRELLIS.superlink,
      supernodes: SUPERNODES,
    });
    const cli = await makeCli(scene, TRELLIS.cli, link);
    const allAre = (wanted: string, timeoutMs: number) =>
      cli.waitForList(
        `all nodes to be ${wanted}`,
        timeoutMs,
        (rows) => rows.filter(({ status }) => status === wanted).length === SUPERNODES.length,
      );
    await allAre("online", JOIN_MS);
    const nodeIds = Object.keys(await cli.statuses());

    const suspended = await cli.run(["supernode", "suspend", ...nodeIds]);
    assertEquals(suspended.code, 0, shown(suspended));
    assertEquals(
      await cli.statuses(),
      Object.fromEntries(nodeIds.map((nodeId) => [nodeId, "suspended"])),
    );
    // Ours say why they wait.
    for (const ours of nodes.slice(2)) {
      await ours.process.waitForLine(/This SuperNode is suspended/, BACK_MS);
    }
    const resumed = await cli.run(["supernode", "resume", ...nodeIds]);
    assertEquals(resumed.code, 0, shown(resumed));
    await allAre("online", BACK_MS);
    assert(nodes.every(({ process }) => process.isRunning));

    const app = await makeAppCli(scene, TRELLIS.cli, link, "numpy_fedavg");
    const outcome = await app.runToEnd("--run-config", `min-nodes=${SUPERNODES.length}`);
    assertEquals(outcome.code, 0, shown(outcome));
    assertStringIncludes(outcome.stdout, "FINAL rounds=3");
    assertStringIncludes(outcome.stdout, "Received 4 results and 0 failures");
  },
);
