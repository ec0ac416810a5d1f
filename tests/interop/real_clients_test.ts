import { assertEquals, assertStringIncludes } from "@std/assert";
import { makeCli, shown } from "../harness/cli.ts";
import { makeCertificates, makeKeyPair } from "../harness/credentials.ts";
import { flower, TRELLIS } from "../harness/programs.ts";
import { scene } from "../harness/scene.ts";
import { startSuperLink } from "../harness/superlink.ts";
import { JOIN_MS, startSuperNode } from "../harness/supernode.ts";
import { authenticatedFleet } from "./authenticated_fleet.ts";
import { automaticFleet } from "./automatic_fleet.ts";

const title = "flwr and flower-supernode 1.25.0 on our SuperLink";
const cast = { ...flower("1.25.0"), superlink: TRELLIS.superlink };

authenticatedFleet(title, cast);
automaticFleet(title, cast);

scene(
  "flower-supernode 1.25.0 joins our SuperLink with a key that `keys generate` wrote",
  [cast.supernode],
  async (scene) => {
    const link = await startSuperLink(scene, cast.superlink, {
      certificates: await makeCertificates(scene),
      enableSuperNodeAuth: true,
    });
    const generated = await scene.run(TRELLIS.cli, {
      name: "keys",
      args: ["keys", "generate", "1"],
    });
    assertEquals(generated.code, 0, shown(generated));
    const cli = await makeCli(scene, TRELLIS.cli, link);
    const privateKey = scene.path("keys", "client_credentials_1");
    const nodeId = await cli.register(`${privateKey}.pub`);
    startSuperNode(scene, cast.supernode, link, { name: "SuperNode", privateKey });
    await cli.waitForStatus(nodeId, "online", JOIN_MS);
  },
);

scene(
  "flwr 1.33.0 registers, lists and unregisters on our SuperLink, by a connection of config.toml",
  [flower("1.33.0").cli],
  async (scene) => {
    const link = await startSuperLink(scene, TRELLIS.superlink, {
      certificates: await makeCertificates(scene),
    });
    const cli = await makeCli(scene, flower("1.33.0").cli, link);
    const key = await makeKeyPair(scene, "client_credentials_1");
    const nodeId = await cli.register(key.publicKey);
    assertEquals(await cli.statuses(), { [nodeId]: "registered" });
    const twice = await cli.run(["supernode", "register", key.publicKey]);
    assertEquals(twice.code, 1);
    assertStringIncludes(twice.stderr, "already in use");
    await cli.unregister(nodeId);
    assertEquals(await cli.statuses(), { [nodeId]: "unregistered" });
  },
);
