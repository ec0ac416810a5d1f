import { assertEquals, assertStringIncludes } from "@std/assert";
import { AppCli, makeApp } from "../harness/app_cli.ts";
import { shown } from "../harness/cli.ts";
import { startFleet } from "../harness/fleet.ts";
import { flower, TRELLIS } from "../harness/programs.ts";
import { scene } from "../harness/scene.ts";
import { FINAL } from "./regression.ts";

const REAL = flower("1.25.0");
const PROCESS = { isolation: "process" } as const;

scene(
  "flower-superexec 1.25.0 starts the ServerApps of our SuperLink and the ClientApps of our SuperNodes",
  [REAL.superexec],
  async (scene) => {
    const { link, nodes } = await startFleet(scene, {
      superlink: TRELLIS.superlink,
      supernodes: [TRELLIS.supernode, TRELLIS.supernode],
      serverApps: PROCESS,
      clientApps: PROCESS,
    });
    const superexecs = [
      { kind: "serverapp", address: link.serverAppAddress },
      ...nodes.map(({ clientAppAddress }) => ({ kind: "clientapp", address: clientAppAddress })),
    ];
    for (const { kind, address } of superexecs) {
      scene.start(REAL.superexec, {
        name: `SuperExec for ${address}`,
        args: ["--insecure", "--plugin-type", kind, "--appio-api-address", address],
      });
    }
    const app = new AppCli(scene, TRELLIS.cli, await makeApp(scene, link, "regression"));
    const outcome = await app.runToEnd();
    assertEquals(outcome.code, 0, shown(outcome));
    assertStringIncludes(outcome.stdout, FINAL, shown(outcome));
  },
);
