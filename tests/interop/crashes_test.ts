import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { AppCli, makeApp, RUN_MS } from "../harness/app_cli.ts";
import { shown } from "../harness/cli.ts";
import { startFleet } from "../harness/fleet.ts";
import { groupMembers, isApp } from "../harness/process_groups.ts";
import { flower, TRELLIS } from "../harness/programs.ts";
import { scene } from "../harness/scene.ts";

const REAL = flower("1.25.0");
/** Apps look every 0.2 s whether their parent is still there. */
const ORPHAN_MS = 5_000;
const SOON_MS = 60_000;

/** The names of the app processes in a program's group. */
function appsOf({ pid }: { readonly pid: number }): string[] {
  return [...groupMembers(pid).values()].filter(isApp);
}

scene(
  "a run whose ServerApp outlives our SuperLink goes on when that is started again, and misses nothing",
  [REAL.superexec],
  async (scene) => {
    const { link } = await startFleet(scene, {
      superlink: TRELLIS.superlink,
      supernodes: [TRELLIS.supernode, TRELLIS.supernode],
      serverApps: { isolation: "process" },
    });
    scene.start(REAL.superexec, {
      name: "SuperExec",
      args: [
        ...["--insecure", "--plugin-type", "serverapp"],
        ...["--appio-api-address", link.serverAppAddress],
      ],
    });
    const app = new AppCli(scene, TRELLIS.cli, await makeApp(scene, link, "regression"));
    const run = app.start(["run"], "--stream", "--run-config", "num-server-rounds=6");
    await run.waitForLine(/\[ROUND 3\/6\]/, RUN_MS);
    await link.process.kill();
    await link.restart();
    assertEquals(await run.waitForExit(RUN_MS), 0, run.transcript());
    assertStringIncludes(run.stdout, "FINAL rounds=6 fits=6.0 ");
    assertEquals((await app.runs()).map(({ status }) => status), ["finished:completed"]);
  },
);

scene(
  "no app outlives the SuperLink or the SuperNode that started it, and `ls` says what happened",
  [REAL.superexec],
  async (scene) => {
    const { link, nodes: [node] } = await startFleet(scene, {
      superlink: TRELLIS.superlink,
      supernodes: [TRELLIS.supernode],
    });
    assert(node);
    const app = new AppCli(scene, TRELLIS.cli, await makeApp(scene, link, "failing"));
    const lost = await app.startRun("--run-config", 'client="never returns"');
    await node.process.waitForLine(/CLIENT never returns/, SOON_MS);

    assertEquals(appsOf(link.process), ["flwr-serverapp"]);
    assertEquals(await link.process.crash(ORPHAN_MS), []);
    const again = await link.restart();
    await app.waitForRun(lost, "finished:failed", SOON_MS);
    const listed = await app.run(["ls"]);
    assertMatch(listed.stdout, /The SuperLink was started anew while the ServerApp ran/);

    // The node gives up what belongs to a run that is over, and takes what is new.
    const outcome = await app.runToEnd();
    assertEquals(outcome.code, 0, shown(outcome));
    assertStringIncludes(outcome.stdout, "SERVER is content");

    const { length } = node.process.lines;
    await app.startRun("--run-config", 'client="never returns"');
    await node.process.waitForLine(/CLIENT never returns/, SOON_MS, length);
    assertEquals(appsOf(node.process), ["flwr-clientapp"]);
    assertEquals(await node.process.crash(ORPHAN_MS), []);
    assertEquals((await again.process.stop()).code, 0);
  },
);
