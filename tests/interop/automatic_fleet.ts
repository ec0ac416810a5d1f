/**
 * Automatic mode as tests, for any cast of SuperLink, SuperNode and CLI: every SuperNode may join,
 * with a key of its own making.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { makeCli } from "../harness/cli.ts";
import { makeCertificates, makeKeyPair } from "../harness/credentials.ts";
import type { Programs } from "../harness/programs.ts";
import { scene } from "../harness/scene.ts";
import { startSuperLink } from "../harness/superlink.ts";
import { JOIN_MS, startSuperNode } from "../harness/supernode.ts";

/** Registers the tests. `title` names the cast. */
export function automaticFleet(title: string, cast: Programs): void {
  const programs = [cast.superlink, cast.supernode, cast.cli];

  for (const transport of ["TLS", "plain text"]) {
    scene(
      `${title}: a SuperNode without a key joins over ${transport} and unregisters on SIGTERM`,
      programs,
      async (scene) => {
        const tls = transport === "TLS" ? { certificates: await makeCertificates(scene) } : {};
        const link = await startSuperLink(scene, cast.superlink, tls);
        const cli = await makeCli(scene, cast.cli, link);
        const node = startSuperNode(scene, cast.supernode, link, { name: "SuperNode" });
        const [joined] = await cli.waitForList(
          "a node to be online",
          JOIN_MS,
          (rows) => rows[0]?.status === "online",
        );
        assertEquals([joined?.["owner-aid"], joined?.["owner-name"]], ["<id:none>", "<name:none>"]);
        assertMatch(joined?.["online-at"] ?? "", /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/);

        assertEquals((await node.stop()).code, 0);
        assertEquals(await cli.statuses(), { [joined?.["node-id"] ?? ""]: "unregistered" });
      },
    );
  }

  scene(
    `${title}: a SuperNode with a registered key joins in automatic mode too, and keeps its id`,
    programs,
    async (scene) => {
      const link = await startSuperLink(scene, cast.superlink, {
        certificates: await makeCertificates(scene),
      });
      const cli = await makeCli(scene, cast.cli, link);
      const key = await makeKeyPair(scene, "client_credentials_1", 521);
      const nodeId = await cli.register(key.publicKey);
      const node = startSuperNode(scene, cast.supernode, link, { name: "SuperNode", ...key });
      await cli.waitForStatus(nodeId, "online", JOIN_MS);
      assertEquals((await node.stop()).code, 0);
      assertEquals(await cli.statuses(), { [nodeId]: "offline" });
    },
  );
}
