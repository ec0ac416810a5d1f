import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { AppCli, makeApp } from "../harness/app_cli.ts";
import { shown } from "../harness/cli.ts";
import { FLOWER_MEMORY, startFleet } from "../harness/fleet.ts";
import { flower, type Program, TRELLIS } from "../harness/programs.ts";
import { scene } from "../harness/scene.ts";
import { FINAL } from "./regression.ts";

const REAL = flower("1.25.0");

interface Cast {
  readonly title: string;
  readonly superlink: Program;
  readonly database?: string;
  readonly supernodes: readonly [Program, Program];
  readonly cli: Program;
}

const CASTS: readonly Cast[] = [
  {
    title: "Flower's own programs",
    superlink: REAL.superlink,
    database: FLOWER_MEMORY,
    supernodes: [REAL.supernode, REAL.supernode],
    cli: REAL.cli,
  },
  {
    title: "our programs",
    superlink: TRELLIS.superlink,
    supernodes: [TRELLIS.supernode, TRELLIS.supernode],
    cli: TRELLIS.cli,
  },
  {
    title: "our SuperLink with flower-supernode and flwr 1.25.0",
    superlink: TRELLIS.superlink,
    supernodes: [REAL.supernode, REAL.supernode],
    cli: REAL.cli,
  },
  {
    title: "flower-superlink 1.25.0 with our SuperNodes and our CLI",
    superlink: REAL.superlink,
    supernodes: [TRELLIS.supernode, TRELLIS.supernode],
    cli: TRELLIS.cli,
  },
  {
    title: "our SuperLink with our SuperNode and flower-supernode 1.25.0",
    superlink: TRELLIS.superlink,
    supernodes: [TRELLIS.supernode, REAL.supernode],
    cli: TRELLIS.cli,
  },
];

for (const { title, cli, ...fleet } of CASTS) {
  const { superlink, supernodes } = fleet;
  scene(
    `a Python app comes to the same numbers with ${title}`,
    [REAL.superexec, superlink, ...supernodes, cli],
    async (scene) => {
      const { link } = await startFleet(scene, fleet);
      const app = new AppCli(scene, cli, await makeApp(scene, link, "regression"));
      const outcome = await app.runToEnd();
      assertEquals(outcome.code, 0, shown(outcome));
      assertStringIncludes(outcome.stdout, FINAL, shown(outcome));
      const [run, ...others] = await app.runs();
      assertEquals([run?.status, others], ["finished:completed", []]);
      assert(outcome.stdout.includes(run?.["run-id"] ?? ""));
    },
  );
}
