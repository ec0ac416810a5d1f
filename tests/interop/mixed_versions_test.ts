import { assertEquals } from "@std/assert";
import { makeCli } from "../harness/cli.ts";
import { makeCertificates, makeKeyPair } from "../harness/credentials.ts";
import { flower, TRELLIS } from "../harness/programs.ts";
import { scene } from "../harness/scene.ts";
import { startSuperLink } from "../harness/superlink.ts";
import { JOIN_MS, startSuperNode } from "../harness/supernode.ts";

const fleet = (["1.23.0", "1.33.0", "1.39.0"] as const).map((version) => ({
  version,
  supernode: flower(version).supernode,
}));
const programs = fleet.map(({ supernode }) => supernode);

scene(
  "registered SuperNodes of Flower 1.23.0, 1.33.0 and 1.39.0 join our SuperLink together",
  programs,
  async (scene) => {
    const link = await startSuperLink(scene, TRELLIS.superlink, {
      certificates: await makeCertificates(scene),
      enableSuperNodeAuth: true,
    });
    const cli = await makeCli(scene, TRELLIS.cli, link);
    const online: Record<string, string> = {};
    const nodes = [];
    for (const { version, supernode } of fleet) {
      const key = await makeKeyPair(scene, `key-${version}`);
      online[await cli.register(key.publicKey)] = "online";
      nodes.push(startSuperNode(scene, supernode, link, { name: `SuperNode ${version}`, ...key }));
    }
    for (const nodeId of Object.keys(online)) await cli.waitForStatus(nodeId, "online", JOIN_MS);
    assertEquals(await cli.statuses(), online);

    for (const node of nodes) assertEquals((await node.stop()).code, 0);
    const offline = Object.fromEntries(Object.keys(online).map((nodeId) => [nodeId, "offline"]));
    assertEquals(await cli.statuses(), offline);
  },
);

for (const { version, supernode } of fleet) {
  scene(
    `a SuperNode of Flower ${version} is cut off when it is unregistered`,
    [supernode],
    async (scene) => {
      const link = await startSuperLink(scene, TRELLIS.superlink, {
        certificates: await makeCertificates(scene),
        enableSuperNodeAuth: true,
      });
      const cli = await makeCli(scene, TRELLIS.cli, link);
      const key = await makeKeyPair(scene, "key");
      const nodeId = await cli.register(key.publicKey);
      const node = startSuperNode(scene, supernode, link, { name: "SuperNode", ...key });
      await cli.waitForStatus(nodeId, "online", JOIN_MS);
      await cli.unregister(nodeId);
      await node.waitForExit(30_000);
      assertEquals(await cli.statuses(), { [nodeId]: "unregistered" });
    },
  );
}

scene(
  "SuperNodes of Flower 1.23.0, 1.33.0 and 1.39.0 without keys join and unregister themselves",
  programs,
  async (scene) => {
    const link = await startSuperLink(scene, TRELLIS.superlink);
    const cli = await makeCli(scene, TRELLIS.cli, link);
    const nodes = fleet.map(({ version, supernode }) =>
      startSuperNode(scene, supernode, link, { name: `SuperNode ${version}` })
    );
    const rows = await cli.waitForList(
      "three nodes to be online",
      JOIN_MS,
      (rows) => rows.filter(({ status }) => status === "online").length === 3,
    );
    for (const node of nodes) assertEquals((await node.stop()).code, 0);
    assertEquals(
      await cli.statuses(),
      Object.fromEntries(rows.map((row) => [row["node-id"], "unregistered"])),
    );
  },
);
