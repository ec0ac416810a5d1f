import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async";
import { makeAppCli } from "../harness/app_cli.ts";
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

const CLIENT_APP = fileURLToPath(
  new URL("apps/numpy_fedavg/fedavg_lin/client_app.py", import.meta.url),
);
const SUPERNODES = [flower("1.25.0").supernode, flower("1.41.0").supernode];

scene(
  "SuperNodes of Flower 1.25 and 1.41 are given other keys in the middle of a run, and no message is lost",
  SUPERNODES,
  async (scene) => {
    const apps = { isolation: "subprocess", python: "1.25.0" } as const;
    const link = await startSuperLink(scene, TRELLIS.superlink, {
      certificates: await makeCertificates(scene),
      enableSuperNodeAuth: true,
      ...apps,
    });
    const cli = await makeCli(scene, TRELLIS.cli, link);
    const start = (partition: number, name: string, privateKey: string) =>
      startSuperNode(scene, SUPERNODES[partition]!, link, { name, partition, privateKey, ...apps });
    const nodes = await Promise.all(SUPERNODES.map(async (_, partition) => {
      const key = await makeKeyPair(scene, `old_${partition}`);
      const nodeId = await cli.register(key.publicKey);
      return { nodeId, before: start(partition, `before ${partition}`, key.privateKey) };
    }));
    for (const { nodeId } of nodes) await cli.waitForStatus(nodeId, "online", JOIN_MS);

    // Each node says that it is at its message, and ends it when it may.
    const [mayEnd, hasBegun] = [
      scene.path("may-end"),
      (of: number | string) => scene.path(`at-${of}`),
    ];
    const source = await Deno.readTextFile(CLIENT_APP);
    const waits = source.replace(
      /(def train\(.*\n) +"""Fit .*\n/,
      `$1    import time, pathlib
    pathlib.Path("${hasBegun("")}" + str(context.node_config["partition-id"])).touch()
    while not pathlib.Path("${mayEnd}").exists():
        time.sleep(0.05)
`,
    );
    assert(waits !== source);
    const app = await makeAppCli(scene, TRELLIS.cli, link, "numpy_fedavg", {
      "fedavg_lin/client_app.py": waits,
    });
    const runId = await app.startRun();
    await until(() => [0, 1].every((partition) => existsSync(hasBegun(partition))));

    for (const [partition, { nodeId }] of nodes.entries()) {
      const key = await makeKeyPair(scene, `new_${partition}`);
      const rotated = await cli.run(["supernode", "rotate", nodeId, key.publicKey]);
      assertEquals(rotated.code, 0, shown(rotated));
      start(partition, `after ${partition}`, key.privateKey);
      await link.process.waitForLine(
        new RegExp(`SuperNode ${nodeId} is online with its newer key`),
        JOIN_MS,
      );
    }
    await Deno.writeTextFile(mayEnd, "");
    for (const { before } of nodes) {
      await before.waitForLine(/Sent successfully/, ENDS_MS);
      await before.stop();
    }
    await app.waitForRun(runId, "finished:completed");
    const log = await app.log(runId);
    const received = log.match(/Received \d results and \d failures/g);
    assertEquals(received, Array(6).fill("Received 2 results and 0 failures"), log);
  },
);

/** Looks again and again until something is so. */
async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + ENDS_MS;
  while (!isSo()) {
    assert(Date.now() < deadline, "waited in vain");
    await delay(50);
  }
}
