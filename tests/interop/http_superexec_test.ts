import { assertEquals, assertStringIncludes } from "@std/assert";
import { makeAppCli } from "../harness/app_cli.ts";
import { shown } from "../harness/cli.ts";
import { startFleet } from "../harness/fleet.ts";
import { flower, TRELLIS } from "../harness/programs.ts";
import { scene } from "../harness/scene.ts";
import { FINAL } from "./regression.ts";

/** A SuperExec that is refused has ended this soon. */
const REFUSED_MS = 45_000;

for (const version of ["1.39.0", "1.41.0"] as const) {
  const { supernode, superexec } = flower(version);

  scene(
    `flower-superexec ${version} starts a ServerApp of our SuperLink if it knows the secret`,
    [superexec, supernode],
    async (scene) => {
      const [secret, guess] = [scene.path("secret"), scene.path("guess")];
      await Deno.writeTextFile(secret, crypto.randomUUID());
      await Deno.writeTextFile(guess, crypto.randomUUID());
      const { link } = await startFleet(scene, {
        superlink: TRELLIS.superlink,
        supernodes: [supernode, TRELLIS.supernode],
        serverApps: { isolation: "process", superExecSecretFile: secret },
      });
      const start = (name: string, secretFile: string) =>
        scene.start(superexec, {
          name,
          args: [
            ...["--root-certificates", link.certificates?.ca ?? ""],
            ...["--runtime-api-address", link.httpAddress],
            ...["--superexec-auth-secret-file", secretFile],
          ],
        });
      const stranger = start("SuperExec without the secret", guess);
      const app = await makeAppCli(scene, TRELLIS.cli, link, "regression");
      const run = app.start(["run"], "--stream");
      await stranger.waitForExit(REFUSED_MS);
      start("SuperExec", secret);
      assertEquals(await run.waitForExit(REFUSED_MS * 3), 0, run.transcript());
      assertStringIncludes(run.stdout, FINAL);
      assertEquals((await app.runs()).map(({ status }) => status), ["finished:completed"]);
    },
  );
}

scene(
  "our SuperLink starts ServerApps of Flower 1.39, over HTTP",
  [flower("1.39.0").superexec, flower("1.25.0").superexec],
  async (scene) => {
    const { link } = await startFleet(scene, {
      superlink: TRELLIS.superlink,
      supernodes: [TRELLIS.supernode, TRELLIS.supernode],
      serverApps: { isolation: "subprocess", python: "1.39.0" },
    });
    const app = await makeAppCli(scene, TRELLIS.cli, link, "regression");
    const outcome = await app.runToEnd();
    assertEquals(outcome.code, 0, shown(outcome));
    assertStringIncludes(outcome.stdout, FINAL, shown(outcome));
  },
);
