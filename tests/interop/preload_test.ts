import { assertEquals, assertNotEquals } from "@std/assert";
import { flowerFolder } from "../harness/flower_env.ts";
import type { RunningProcess } from "../harness/process.ts";
import { freeAddress } from "../harness/ports.ts";
import { flower, TRELLIS } from "../harness/programs.ts";
import { type Scene, scene } from "../harness/scene.ts";

/** The release whose programs are loaded ahead. */
const VERSION = "1.25.0";
const FLOWER = flower(VERSION);
const START_MS = 60_000;

const PROJECT = `
[project]
name = "where"
version = "1.0.0"
license = "Apache-2.0"
dependencies = []
[tool.flwr.app]
publisher = "trellis"
[tool.flwr.app.components]
serverapp = "where:server"
clientapp = "where:client"
[tool.flwr.federations]
default = "local"
[tool.flwr.federations.local]
address = "ADDRESS"
insecure = true
`;

/** Says from where it was started, and what would be the same in careless forks. */
const APP = `
import os, random, sys
import numpy
from flwr.clientapp import ClientApp
from flwr.serverapp import ServerApp

server = ServerApp()
client = ClientApp()

@server.main()
def main(grid, context):
    forked = "trellis-preload" in sys.orig_argv
    drawn = (random.random(), numpy.random.random())
    print(f"WHERE pid={os.getpid()} parent={os.getppid()} forked={forked} drawn={drawn}", flush=True)
`;

/** Starts a SuperLink that starts ServerApps itself. */
async function startLink(scene: Scene, ...flags: readonly string[]): Promise<RunningProcess> {
  const control = freeAddress();
  await Deno.mkdir(scene.path("app"));
  await Deno.writeTextFile(scene.path("app", "where.py"), APP);
  await Deno.writeTextFile(
    scene.path("app", "pyproject.toml"),
    PROJECT.replace("ADDRESS", control),
  );
  const process = scene.start(TRELLIS.superlink, {
    name: "SuperLink",
    args: [
      ...["--insecure", "--database", ":memory:", "--python", flowerFolder(VERSION), ...flags],
      ...["--control-api-address", control, "--fleet-api-address", freeAddress()],
      ...["--serverappio-api-address", freeAddress(), "--dashboard-address", "none"],
    ],
  });
  await process.waitForLine(/SuperLink is ready/, START_MS);
  return process;
}

/** Starts a run and gives what its ServerApp says of itself. */
async function startRun(
  scene: Scene,
  link: RunningProcess,
) {
  const from = link.lines.length;
  const { code, stderr } = await scene.run(FLOWER.cli, {
    name: "flwr run",
    args: ["run", scene.path("app")],
  });
  assertEquals(code, 0, stderr);
  const pattern = /WHERE pid=(\d+) parent=(\d+) forked=(\w+) drawn=(.*)/;
  const [, pid, parent, forked, drawn] = await link.waitForLine(pattern, START_MS, from);
  return { pid: Number(pid), parent: Number(parent), forked, drawn };
}

scene("ServerApps are forked from a process with Flower loaded", [FLOWER.cli], async (scene) => {
  const link = await startLink(scene, "--preload");
  const first = await startRun(scene, link);
  const second = await startRun(scene, link);
  assertEquals([first.forked, second.forked], ["True", "True"]);
  assertEquals(first.parent, second.parent);
  assertNotEquals(first.drawn, second.drawn);
});

scene("--no-preload starts ServerApps as programs", [FLOWER.cli], async (scene) => {
  const link = await startLink(scene, "--no-preload");
  const app = await startRun(scene, link);
  assertEquals(app.forked, "False");
  assertEquals(app.parent, link.pid);
});
