import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { makeAppCli } from "../harness/app_cli.ts";
import { makeCli, shown } from "../harness/cli.ts";
import { makeCertificates, makeKeyPair } from "../harness/credentials.ts";
import { waitForNoApp } from "../harness/process_groups.ts";
import { flower, TRELLIS, trellisOver } from "../harness/programs.ts";
import { scene } from "../harness/scene.ts";
import { startSuperLink } from "../harness/superlink.ts";
import { JOIN_MS, startSuperNode } from "../harness/supernode.ts";
import { assertNumpyFedAvg } from "./numpy_fedavg.ts";

const REAL = flower("1.41.0");
const SUBPROCESS = { isolation: "subprocess", python: "1.41.0" } as const;
/** A SuperNode that is cut off, or whose key is not known, has ended this soon. */
const REFUSED_MS = 45_000;
const SOON_MS = 60_000;

scene(
  "Flower 1.41.0 on our SuperLink, from registering to being refused: CLI, SuperNodes and apps",
  [REAL.cli, REAL.supernode],
  async (scene) => {
    const link = await startSuperLink(scene, TRELLIS.superlink, {
      certificates: await makeCertificates(scene),
      enableSuperNodeAuth: true,
      ...SUBPROCESS,
    });
    const cli = await makeCli(scene, REAL.cli, link);
    const first = await makeKeyPair(scene, "client_credentials_1");
    const second = await makeKeyPair(scene, "client_credentials_2", 256);
    const named = await cli.run(
      ["supernode", "register", first.publicKey],
      ...["--name", "Site A", "--location", "52.5,13.4"],
    );
    const firstId = named.stdout.match(/SuperNode (\d+) registered successfully/)?.[1] ?? "";
    assert(firstId !== "", shown(named));
    const secondId = await cli.register(second.publicKey);
    // Flower's own list has no names.
    const ours = await makeCli(scene, trellisOver("http").cli, link);
    const list = await ours.run(["supernode", "list"]);
    assertStringIncludes(list.stdout, "Site A", shown(list));
    assertEquals(await cli.statuses(), { [firstId]: "registered", [secondId]: "registered" });
    const twice = await cli.run(["supernode", "register", first.publicKey]);
    assertEquals(twice.code, 1);
    assertStringIncludes(twice.stderr, "Public key already in use.", shown(twice));

    const nodes = [first, second].map((key, partition) =>
      startSuperNode(scene, REAL.supernode, link, {
        name: `SuperNode ${partition + 1}`,
        partition,
        isolation: "subprocess",
        ...key,
      })
    );
    await cli.waitForStatus(firstId, "online", JOIN_MS);
    await cli.waitForStatus(secondId, "online", JOIN_MS);

    const app = await makeAppCli(scene, REAL.cli, link, "numpy_fedavg");
    const outcome = await app.runToEnd();
    assertEquals(outcome.code, 0, shown(outcome));
    assertNumpyFedAvg(outcome.stdout, 2);
    const [done, ...others] = await app.runs();
    assertEquals([done?.status, others], ["finished:completed", []]);
    assertNumpyFedAvg(await app.log(done?.["run-id"] ?? ""), 2);

    // With three nodes to wait for it does not end by itself.
    const waiting = await app.startRun("--run-config", "min-nodes=3");
    await app.waitForRun(waiting, "running");
    const stopped = await app.run(["stop", waiting]);
    assertMatch(stopped.stdout, new RegExp(`${waiting} successfully stopped`), shown(stopped));
    await app.waitForRun(waiting, "finished:stopped", SOON_MS);
    await waitForNoApp(link.process, SOON_MS);
    const again = await app.run(["stop", waiting]);
    assertStringIncludes(again.stderr, "Run is already finished.", shown(again));

    await cli.unregister(firstId);
    await nodes[0]?.waitForExit(REFUSED_MS);
    assert(nodes[1]?.isRunning);
    const refused = startSuperNode(scene, REAL.supernode, link, {
      name: "SuperNode 1 again",
      ...first,
    });
    const keyless = startSuperNode(scene, REAL.supernode, link, { name: "Keyless stranger" });
    assertEquals(await refused.waitForExit(REFUSED_MS), 1);
    await refused.waitForLine(/Failed to activate SuperNode/, 0);
    assertEquals(await keyless.waitForExit(REFUSED_MS), 1);
    await keyless.waitForLine(/must be registered via the CLI/, 0);
    assertEquals(await cli.statuses(), { [firstId]: "unregistered", [secondId]: "online" });
    const never = await cli.run(["supernode", "register", first.publicKey]);
    assertStringIncludes(never.stderr, "Public key already in use.", shown(never));
  },
);
