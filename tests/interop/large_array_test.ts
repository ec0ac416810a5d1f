import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { AppCli, makeApp } from "../harness/app_cli.ts";
import { shown } from "../harness/cli.ts";
import { startFleet } from "../harness/fleet.ts";
import { flower, TRELLIS } from "../harness/programs.ts";
import { scene } from "../harness/scene.ts";

const REAL = flower("1.25.0");
const LIMIT_MB = 300;

/** The most memory that a process has had, in MB. Linux only. */
async function peakMemoryMb(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(status.match(/^VmHWM:\s+(\d+) kB/m)?.[1]) * 1024 / 1e6;
}

scene(
  `an array of 100 MB goes to a node and back whole, and our SuperLink stays below ${LIMIT_MB} MB`,
  [REAL.superexec],
  async (scene) => {
    const { link } = await startFleet(scene, {
      superlink: TRELLIS.superlink,
      supernodes: [TRELLIS.supernode],
    });
    const app = new AppCli(scene, TRELLIS.cli, await makeApp(scene, link, "large_array"));
    const outcome = await app.runToEnd();
    assertEquals(outcome.code, 0, shown(outcome));
    assertStringIncludes(outcome.stdout, "INTACT there=True back=True bytes=100000000");
    const peakMb = await peakMemoryMb(link.process.pid);
    assert(peakMb < LIMIT_MB, `the SuperLink took ${peakMb} MB`);
  },
);
