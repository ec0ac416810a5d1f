import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { AppCli, makeApp } from "../harness/app_cli.ts";
import { makeCli, shown } from "../harness/cli.ts";
import { makeCertificates, makeKeyPair } from "../harness/credentials.ts";
import { startFleet } from "../harness/fleet.ts";
import { flower, TRELLIS } from "../harness/programs.ts";
import { scene } from "../harness/scene.ts";
import { startSuperLink } from "../harness/superlink.ts";
import { JOIN_MS, startSuperNode } from "../harness/supernode.ts";
import { FINAL } from "./regression.ts";

const REAL = flower("1.41.0");
const programs = [REAL.superlink];
/** A refused SuperNode has ended this soon. */
const REFUSED_MS = 45_000;

scene(
  "flower-superlink 1.41.0: our CLI registers and names keys, and only their SuperNodes join",
  programs,
  async (scene) => {
    const link = await startSuperLink(scene, REAL.superlink, {
      certificates: await makeCertificates(scene),
      enableSuperNodeAuth: true,
    });
    const cli = await makeCli(scene, TRELLIS.cli, link);
    const key = await makeKeyPair(scene, "client_credentials_1");
    const named = await cli.run(
      ["supernode", "register", key.publicKey],
      ...["--name", "Site A", "--location", "52.5,13.4"],
    );
    const nodeId = named.stdout.match(/SuperNode (\d+) registered successfully/)?.[1] ?? "";
    const other = await makeKeyPair(scene, "client_credentials_2", 256);
    const otherId = await cli.register(other.publicKey);
    const list = await cli.run(["supernode", "list"]);
    assertStringIncludes(list.stdout, "Site A", shown(list));
    assertEquals(await cli.statuses(), { [nodeId]: "registered", [otherId]: "registered" });
    const twice = await cli.run(["supernode", "register", key.publicKey]);
    assertEquals(twice.code, 1);
    assertStringIncludes(twice.stderr, "already in use", shown(twice));

    const node = startSuperNode(scene, TRELLIS.supernode, link, {
      name: "SuperNode 1",
      maxWaitS: 3,
      ...key,
    });
    const second = startSuperNode(scene, TRELLIS.supernode, link, {
      name: "SuperNode 2",
      ...other,
    });
    const stranger = startSuperNode(scene, TRELLIS.supernode, link, { name: "Stranger" });
    await cli.waitForStatus(nodeId, "online", JOIN_MS);
    await cli.waitForStatus(otherId, "online", JOIN_MS);
    assertEquals(await stranger.waitForExit(REFUSED_MS), 1);
    await stranger.waitForLine(/that were registered with the CLI/, 0);

    assertEquals((await second.stop()).code, 0);
    assertEquals(await cli.statuses(), { [nodeId]: "online", [otherId]: "offline" });
    await cli.unregister(nodeId);
    assertEquals(await node.waitForExit(REFUSED_MS), 1);
    assertEquals(await cli.statuses(), { [nodeId]: "unregistered", [otherId]: "offline" });
  },
);

scene(
  "flower-superlink 1.41.0: our SuperNode without a key joins in plain text and unregisters",
  programs,
  async (scene) => {
    const link = await startSuperLink(scene, REAL.superlink);
    const cli = await makeCli(scene, TRELLIS.cli, link);
    const node = startSuperNode(scene, TRELLIS.supernode, link, { name: "SuperNode" });
    const [joined] = await cli.waitForList(
      "a node to be online",
      JOIN_MS,
      (rows) => rows[0]?.status === "online",
    );
    assertEquals((await node.stop()).code, 0);
    assertEquals(await cli.statuses(), { [joined?.["node-id"] ?? ""]: "unregistered" });
  },
);

scene(
  "flower-superlink 1.41.0: our CLI and SuperNodes come to the numbers of Flower 1.25.0",
  [...programs, flower("1.25.0").superlink],
  async (scene) => {
    const { supernode, cli } = TRELLIS;
    const { link } = await startFleet(scene, {
      superlink: REAL.superlink,
      supernodes: [supernode, supernode],
    });
    const app = new AppCli(scene, cli, await makeApp(scene, link, "regression"));
    const outcome = await app.runToEnd();
    assertEquals(outcome.code, 0, shown(outcome));
    assertStringIncludes(outcome.stdout, FINAL, shown(outcome));
    const [run, ...others] = await app.runs();
    assertEquals([run?.status, others], ["finished:completed", []]);
    assertStringIncludes(await app.log(run?.["run-id"] ?? ""), FINAL);

    const stopped = await app.startRun();
    const stop = await app.run(["stop", stopped]);
    assert(stop.code === 0, shown(stop));
    await app.waitForRun(stopped, "finished:stopped");
  },
);
