import { assertEquals } from "@std/assert";
import { makeAppCli } from "../harness/app_cli.ts";
import { makeCli, shown } from "../harness/cli.ts";
import { startFleet } from "../harness/fleet.ts";
import { flower, TRELLIS, trellisOver } from "../harness/programs.ts";
import { scene } from "../harness/scene.ts";
import { JOIN_MS } from "../harness/supernode.ts";
import { assertNumpyFedAvg } from "./numpy_fedavg.ts";

const OVER_GRPC = ["1.23.0", "1.25.0", "1.33.0", "1.39.0"] as const;

/** Every generation of SuperNodes that there is, and ours both ways. */
const SUPERNODES = [
  ...OVER_GRPC.map((version) => flower(version).supernode),
  trellisOver("grpc").supernode,
  flower("1.41.0").supernode,
  trellisOver("http").supernode,
];

scene(
  "SuperNodes of Flower 1.23, 1.25, 1.33, 1.39 and 1.41 and ours train in one run on our SuperLink",
  SUPERNODES,
  async (scene) => {
    const { link } = await startFleet(scene, {
      superlink: TRELLIS.superlink,
      supernodes: SUPERNODES,
    });
    const cli = await makeCli(scene, TRELLIS.cli, link);
    await cli.waitForList(
      "all nodes to be online",
      JOIN_MS,
      (rows) => rows.filter(({ status }) => status === "online").length === SUPERNODES.length,
    );
    const app = await makeAppCli(scene, TRELLIS.cli, link, "numpy_fedavg");
    const outcome = await app.runToEnd("--run-config", `min-nodes=${SUPERNODES.length}`);
    assertEquals(outcome.code, 0, shown(outcome));
    assertNumpyFedAvg(outcome.stdout, SUPERNODES.length);
  },
);
