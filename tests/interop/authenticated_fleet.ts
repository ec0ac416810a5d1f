/**
 * The guide "Authenticate SuperNodes" as tests, for any cast of SuperLink, SuperNode and CLI.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Cli, makeCli, shown } from "../harness/cli.ts";
import { type KeyPair, makeCertificates, makeKeyPair } from "../harness/credentials.ts";
import type { Program, Programs } from "../harness/programs.ts";
import { type Scene, scene } from "../harness/scene.ts";
import { startSuperLink, type SuperLink } from "../harness/superlink.ts";
import { JOIN_MS, startSuperNode } from "../harness/supernode.ts";

/** A refused SuperNode has ended this soon. */
const REFUSED_MS = 45_000;
/** A SuperNode asks for messages every 3 s or, if it does not, sends a heartbeat every 22.5 s. */
const NOTICE_MS = 45_000;
/** What a refused SuperNode says: Flower's shows the SuperLink's own words. */
const UNKNOWN_KEY = /No SuperNode found with the given public key|does not know the key/;
const CLI_MANAGED = /must be registered via the CLI|that were registered with the CLI/;

/** A SuperLink with `--enable-supernode-auth` over TLS, and two keys registered there. */
interface Fleet {
  readonly link: SuperLink;
  readonly cli: Cli;
  readonly keys: readonly [KeyPair, KeyPair];
  readonly nodeIds: readonly [string, string];
}

async function openFleet(scene: Scene, cast: Programs): Promise<Fleet> {
  const link = await startSuperLink(scene, cast.superlink, {
    certificates: await makeCertificates(scene),
    enableSuperNodeAuth: true,
  });
  const cli = await makeCli(scene, cast.cli, link);
  const keys = [
    await makeKeyPair(scene, "client_credentials_1"),
    await makeKeyPair(scene, "client_credentials_2", 256),
  ] as const;
  const nodeIds = [
    await cli.register(keys[0].publicKey),
    await cli.register(keys[1].publicKey),
  ] as const;
  return { link, cli, keys, nodeIds };
}

/** Registers the tests. `cast` names them in `title`. */
export function authenticatedFleet(title: string, cast: Programs): void {
  const programs: Program[] = [cast.superlink, cast.supernode, cast.cli];

  scene(
    `${title}: the CLI registers two keys, lists both and registers none twice`,
    programs,
    async (scene) => {
      const { cli, keys, nodeIds } = await openFleet(scene, cast);
      const rows = await cli.list();
      assertEquals(rows.map((row) => [row["node-id"], row.status]), [
        [nodeIds[0], "registered"],
        [nodeIds[1], "registered"],
      ]);
      for (const row of rows) {
        assertEquals([row["owner-aid"], row["owner-name"]], ["<id:none>", "<name:none>"]);
        assertMatch(row["created-at"], /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/);
        assertEquals([row["online-at"], row["offline-at"], row["deleted-at"]], [
          "N/A",
          "N/A",
          "N/A",
        ]);
        assertEquals(row["online-elapsed"], 0);
      }

      const twice = await cli.run(["supernode", "register", keys[0].publicKey]);
      assertStringIncludes(twice.stderr, "already in use", shown(twice));
      const inJson = await cli.run(
        ["supernode", "register", keys[0].publicKey],
        "--format",
        "json",
      );
      const { success, "error-message": message } = JSON.parse(inJson.stdout);
      assertEquals(success, false);
      assertStringIncludes(message, "already in use");
      assertEquals((await cli.list()).length, 2);
    },
  );

  scene(
    `${title}: registered SuperNodes come online, go offline on SIGTERM and come back`,
    programs,
    async (scene) => {
      const { link, cli, keys: [first, second], nodeIds: [firstId, secondId] } = await openFleet(
        scene,
        cast,
      );
      const node = startSuperNode(scene, cast.supernode, link, { name: "SuperNode 1", ...first });
      startSuperNode(scene, cast.supernode, link, { name: "SuperNode 2", ...second });
      await cli.waitForStatus(firstId, "online", JOIN_MS);
      await cli.waitForStatus(secondId, "online", JOIN_MS);

      assertEquals((await node.stop()).code, 0);
      assertEquals(await cli.statuses(), { [firstId]: "offline", [secondId]: "online" });

      startSuperNode(scene, cast.supernode, link, { name: "SuperNode 1 again", ...first });
      await cli.waitForStatus(firstId, "online", JOIN_MS);
    },
  );

  scene(
    `${title}: a stranger, with a key or without, is refused and leaves no trace`,
    programs,
    async (scene) => {
      const { link, cli, nodeIds } = await openFleet(scene, cast);
      const stranger = await makeKeyPair(scene, "stranger");
      const withKey = startSuperNode(scene, cast.supernode, link, {
        name: "Stranger",
        ...stranger,
      });
      const without = startSuperNode(scene, cast.supernode, link, { name: "Keyless stranger" });
      assertEquals(await withKey.waitForExit(REFUSED_MS), 1);
      assertEquals(await without.waitForExit(REFUSED_MS), 1);
      await withKey.waitForLine(UNKNOWN_KEY, 0);
      await without.waitForLine(CLI_MANAGED, 0);
      assertEquals(await cli.statuses(), {
        [nodeIds[0]]: "registered",
        [nodeIds[1]]: "registered",
      });
    },
  );

  scene(
    `${title}: an online SuperNode that is unregistered is cut off, for ever`,
    programs,
    async (scene) => {
      const { link, cli, keys: [first, second], nodeIds: [firstId, secondId] } = await openFleet(
        scene,
        cast,
      );
      const cutOff = startSuperNode(scene, cast.supernode, link, { name: "SuperNode 1", ...first });
      const other = startSuperNode(scene, cast.supernode, link, { name: "SuperNode 2", ...second });
      await cli.waitForStatus(firstId, "online", JOIN_MS);
      await cli.waitForStatus(secondId, "online", JOIN_MS);

      await cli.unregister(firstId);
      await cutOff.waitForExit(NOTICE_MS);
      const shownRows = await cli.run(["supernode", "list"]);
      assert(!shownRows.stdout.includes(firstId), shown(shownRows));
      assertStringIncludes(shownRows.stdout, secondId, shown(shownRows));
      const verbose = await cli.run(["supernode", "list"], "--verbose");
      assertMatch(verbose.stdout, new RegExp(`${firstId}.*unregistered`), shown(verbose));

      assert(other.isRunning);
      await other.stop();
      await link.process.stop();
      await link.restart();
      const again = await cli.run(["supernode", "register", first.publicKey]);
      assertStringIncludes(again.stderr, "already in use", shown(again));
      const refused = startSuperNode(scene, cast.supernode, link, {
        name: "SuperNode 1 again",
        ...first,
      });
      assertEquals(await refused.waitForExit(REFUSED_MS), 1);
      assertEquals(await cli.statuses(), { [firstId]: "unregistered", [secondId]: "offline" });
    },
  );
}
