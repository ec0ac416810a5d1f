import { assert, assertEquals } from "@std/assert";
import { type Cli, makeCli } from "../harness/cli.ts";
import { type KeyPair, makeCertificates, makeKeyPair } from "../harness/credentials.ts";
import { flower, type Program, TRELLIS } from "../harness/programs.ts";
import { type Scene, scene } from "../harness/scene.ts";
import { startSuperLink, type SuperLink } from "../harness/superlink.ts";
import { JOIN_MS, startSuperNode } from "../harness/supernode.ts";

const REAL = flower("1.25.0");
/** How long a node stays online without a sign of life, with the default interval. */
const LEASE_MS = 60_000;

/** A SuperLink of ours with authentication over TLS, and a registered key. */
async function open(
  scene: Scene,
  superlink: Program,
): Promise<{ link: SuperLink; cli: Cli; key: KeyPair; nodeId: string }> {
  const link = await startSuperLink(scene, superlink, {
    certificates: await makeCertificates(scene),
    enableSuperNodeAuth: true,
  });
  const cli = await makeCli(scene, TRELLIS.cli, link);
  const key = await makeKeyPair(scene, "client_credentials_1");
  return { link, cli, key, nodeId: await cli.register(key.publicKey) };
}

scene(
  "flower-supernode 1.25.0 goes on when our SuperLink is killed and started again",
  [REAL.supernode],
  async (scene) => {
    const { link, cli, key, nodeId } = await open(scene, TRELLIS.superlink);
    const node = startSuperNode(scene, REAL.supernode, link, { name: "SuperNode", ...key });
    await cli.waitForStatus(nodeId, "online", JOIN_MS);
    const [before] = await cli.list();

    await link.process.kill();
    const { length } = node.lines;
    await node.waitForLine(/Connection attempt failed, retrying/, 30_000, length);
    await link.restart();
    await node.waitForLine(/Connection successful after/, 60_000, length);

    const [after, ...others] = await cli.list();
    assertEquals(others, []);
    assertEquals([after?.["node-id"], after?.status], [nodeId, "online"]);
    assertEquals(after?.["online-at"], before?.["online-at"], "it must not have joined anew");
    assert(node.isRunning);
  },
);

for (
  const { title, programs } of [
    { title: "flower-supernode 1.25.0", programs: REAL },
    { title: "our SuperNode", programs: TRELLIS },
  ]
) {
  scene(
    `${title} that was killed joins our SuperLink again while its lease still runs`,
    [programs.supernode],
    async (scene) => {
      const { link, cli, key, nodeId } = await open(scene, TRELLIS.superlink);
      const node = startSuperNode(scene, programs.supernode, link, { name: "SuperNode", ...key });
      await cli.waitForStatus(nodeId, "online", JOIN_MS);

      const killedAt = Date.now();
      await node.kill();
      const again = startSuperNode(scene, programs.supernode, link, { name: "Again", ...key });
      await again.waitForLine(new RegExp(`SuperNode ID: ${nodeId}`), JOIN_MS);
      assert(Date.now() - killedAt < LEASE_MS / 2);
      assertEquals(await cli.statuses(), { [nodeId]: "online" });
      assert(again.isRunning);
    },
  );
}

scene(
  "flower-supernode 1.25.0 is refused by our SuperLink while another process uses its key",
  [REAL.supernode],
  async (scene) => {
    const { link, cli, key, nodeId } = await open(scene, TRELLIS.superlink);
    const node = startSuperNode(scene, REAL.supernode, link, { name: "First", ...key });
    await cli.waitForStatus(nodeId, "online", JOIN_MS);
    const second = startSuperNode(scene, REAL.supernode, link, { name: "Second", ...key });
    assertEquals(await second.waitForExit(JOIN_MS), 1);
    await second.waitForLine(/could not be activated/, 0);
    assert(node.isRunning);
    assertEquals(await cli.statuses(), { [nodeId]: "online" });
  },
);

scene(
  "our SuperNode waits while another process uses its key, and joins when that leaves",
  [],
  async (scene) => {
    const { link, cli, key, nodeId } = await open(scene, TRELLIS.superlink);
    const node = startSuperNode(scene, TRELLIS.supernode, link, { name: "First", ...key });
    await cli.waitForStatus(nodeId, "online", JOIN_MS);
    const second = startSuperNode(scene, TRELLIS.supernode, link, { name: "Second", ...key });
    await second.waitForLine(/still counts this node as online/, JOIN_MS);
    assertEquals((await node.stop()).code, 0);
    await second.waitForLine(/Joined the SuperLink/, 30_000);
    assertEquals(await cli.statuses(), { [nodeId]: "online" });
  },
);

for (const superlink of [REAL.superlink, TRELLIS.superlink]) {
  scene(
    `our SuperNode goes on when the ${superlink.title} is killed and started again`,
    [superlink],
    async (scene) => {
      const { link, cli, key, nodeId } = await open(scene, superlink);
      const node = startSuperNode(scene, TRELLIS.supernode, link, { name: "SuperNode", ...key });
      await cli.waitForStatus(nodeId, "online", JOIN_MS);

      await link.process.kill();
      await node.waitForLine(/The link to the SuperLink is down/, 60_000);
      await link.restart();
      await node.waitForLine(/answers, after/, 60_000);
      assert(node.isRunning);
      assertEquals((await node.stop()).code, 0);
      assertEquals(await cli.statuses(), { [nodeId]: "offline" });
    },
  );
}
