import { assert, assertEquals } from "@std/assert";
import { type Cli, makeCli, shown } from "../harness/cli.ts";
import { makeCertificates, makeKeyPair } from "../harness/credentials.ts";
import { flower, TRELLIS } from "../harness/programs.ts";
import { type Scene, scene } from "../harness/scene.ts";
import { startSuperLink } from "../harness/superlink.ts";
import { JOIN_MS, startSuperNode } from "../harness/supernode.ts";

const REAL = flower("1.25.0");

/** What a command says in JSON, without the field that counts the seconds. */
async function json(cli: Cli, command: readonly string[]): Promise<string> {
  const outcome = await cli.run(command, "--format", "json");
  const text = outcome.stdout.replaceAll(/"online-elapsed": [\d.]+/g, '"online-elapsed": 0');
  assert(/^[[{]/.test(text), shown(outcome));
  return text;
}

/** A SuperLink with a node that is online, one that is registered and one that was unregistered. */
async function fleet(scene: Scene, superlink: typeof TRELLIS.superlink) {
  const link = await startSuperLink(scene, superlink, {
    certificates: await makeCertificates(scene),
  });
  const cli = await makeCli(scene, TRELLIS.cli, link);
  const keys = await Promise.all([1, 2, 3].map((n) => makeKeyPair(scene, `key_${n}`)));
  const nodeIds = [];
  for (const { publicKey } of keys) nodeIds.push(await cli.register(publicKey));
  const [online = "", , unregistered = ""] = nodeIds;
  startSuperNode(scene, TRELLIS.supernode, link, { name: "SuperNode", ...keys[0] });
  await cli.waitForStatus(online, "online", JOIN_MS);
  await cli.unregister(unregistered);
  return { ours: cli, real: await makeCli(scene, REAL.cli, link) };
}

for (const superlink of [TRELLIS.superlink, REAL.superlink]) {
  scene(
    `our CLI says the same in JSON as flwr 1.25.0 of the ${superlink.title}`,
    [REAL.cli, superlink],
    async (scene) => {
      const { ours, real } = await fleet(scene, superlink);
      for (
        const command of [["supernode", "list"], ["federation", "list"], ["federation", "show"]]
      ) {
        assertEquals(await json(ours, command), await json(real, command), command.join(" "));
      }
    },
  );
}
