import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { AppCli, makeApp } from "../harness/app_cli.ts";
import { shown } from "../harness/cli.ts";
import { startFleet } from "../harness/fleet.ts";
import { flower, TRELLIS } from "../harness/programs.ts";
import { scene } from "../harness/scene.ts";

const REAL = flower("1.25.0");
/** How soon a run gets on, or a log stream ends, on a busy machine. */
const SOON_MS = 60_000;
/** A run that does not exist. */
const NO_RUN = "4711";

/** What a command says in JSON, without what counts the seconds of a run that goes on. */
async function json(cli: AppCli, ...command: string[]): Promise<unknown> {
  const outcome = await cli.run(["ls"], "--format", "json", ...command);
  assert(outcome.stdout.startsWith("{"), shown(outcome));
  return JSON.parse(outcome.stdout, (key, value) => /elapsed|seconds$/.test(key) ? 0 : value);
}

for (const superlink of [TRELLIS.superlink, REAL.superlink]) {
  scene(
    `our CLI and flwr 1.25.0 run, list, follow, show, stop and pull alike on the ${superlink.title}`,
    [REAL.cli, superlink],
    async (scene) => {
      const { link } = await startFleet(scene, { superlink, supernodes: [] });
      const folder = await makeApp(scene, link, "failing");
      const ours = new AppCli(scene, TRELLIS.cli, folder);
      const real = new AppCli(scene, REAL.cli, folder);

      // Without SuperNodes the ServerApp waits until it is stopped.
      for (const [starter, stopper] of [[ours, real], [real, ours]] as const) {
        const runId = await starter.startRun();
        const followers = [ours, real].map((cli) => cli.start(["log", runId]));
        for (const follower of followers) {
          await follower.waitForLine(/^SERVER waits for a node$/, SOON_MS);
        }
        const soFar = await starter.log(runId);
        assertStringIncludes(soFar, "SERVER waits for a node");
        const pulled = await starter.run(["pull"], "--run-id", runId);
        assertEquals(pulled.code, 1);
        assertMatch(pulled.stderr, /does not support `flwr pull`|keeps no artifacts/);
        assertEquals((await starter.runs()).at(-1)?.status, "running");

        const stopped = await stopper.run(["stop", runId]);
        assertStringIncludes(stopped.stdout, `Run ${runId} successfully stopped.`, shown(stopped));
        for (const follower of followers) {
          assertEquals(await follower.waitForExit(SOON_MS), 0, follower.transcript());
        }
      }

      assertEquals(await json(ours), await json(real));
      const [first, second] = await ours.runs();
      assertEquals([first?.status, second?.status], ["finished:stopped", "finished:stopped"]);
      assertEquals(first?.["fab-hash"], second?.["fab-hash"]);
      const runId = first?.["run-id"] ?? "";
      assertEquals(await json(ours, "--run-id", runId), await json(real, "--run-id", runId));
      const table = await ours.run(["ls"]);
      for (const id of [runId, second?.["run-id"]]) {
        assertMatch(
          table.stdout,
          new RegExp(`│ ${id} .*│ default .*│ @trellis/failing==1.0.0 .*│ finished:stopped`),
          shown(table),
        );
      }
      const sheet = await ours.run(["ls"], "--run-id", runId);
      assertMatch(sheet.stdout, new RegExp(`│ Run ID .*│ ${runId} `), shown(sheet));
      assertMatch(sheet.stdout, /│ Status .*│ finished:stopped /, shown(sheet));
      for (const cli of [ours, real]) {
        const again = await cli.run(["stop", runId]);
        assertMatch(again.stderr, /already finished/, shown(again));
        const unknown = await cli.run(["stop", NO_RUN]);
        assertMatch(unknown.stderr, /Run ID not found|no run with this ID/, shown(unknown));
      }
    },
  );
}
