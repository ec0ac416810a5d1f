import { assertEquals } from "@std/assert";
import { makeCli, shown } from "../harness/cli.ts";
import { makeCertificates, makeKeyPair } from "../harness/credentials.ts";
import { flower, TRELLIS } from "../harness/programs.ts";
import { scene } from "../harness/scene.ts";
import { startSuperLink } from "../harness/superlink.ts";
import { JOIN_MS, startSuperNode } from "../harness/supernode.ts";

const ENDS_MS = 30_000;

for (const version of ["1.25.0", "1.41.0"] as const) {
  const { supernode } = flower(version);
  scene(
    `a SuperNode of Flower ${version} is given another key by its operator and keeps its id`,
    [supernode],
    async (scene) => {
      const link = await startSuperLink(scene, TRELLIS.superlink, {
        certificates: await makeCertificates(scene),
        enableSuperNodeAuth: true,
      });
      const cli = await makeCli(scene, TRELLIS.cli, link);
      const [oldKey, newKey] = [await makeKeyPair(scene, "old"), await makeKeyPair(scene, "new")];
      const nodeId = await cli.register(oldKey.publicKey);
      const before = startSuperNode(scene, supernode, link, { name: "before", ...oldKey });
      await cli.waitForStatus(nodeId, "online", JOIN_MS);

      const rotated = await cli.run(["supernode", "rotate", nodeId, newKey.publicKey]);
      assertEquals(rotated.code, 0, shown(rotated));
      assertEquals(await cli.statuses(), { [nodeId]: "online" });
      assertEquals((await before.stop()).code, 0);
      const after = startSuperNode(scene, supernode, link, { name: "after", ...newKey });
      await cli.waitForStatus(nodeId, "online", JOIN_MS);
      assertEquals((await after.stop()).code, 0);

      // Without a grace the key that it has is refused at once, and its process ends.
      const late = startSuperNode(scene, supernode, link, { name: "late", ...newKey });
      await cli.waitForStatus(nodeId, "online", JOIN_MS);
      const third = await makeKeyPair(scene, "third");
      const cut = await cli.run(["supernode", "rotate", nodeId, third.publicKey], "--grace", "0d");
      assertEquals(cut.code, 0, shown(cut));
      await late.waitForExit(ENDS_MS);
    },
  );
}
