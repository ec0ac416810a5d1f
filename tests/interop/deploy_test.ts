import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { makeAppCli } from "../harness/app_cli.ts";
import { makeCli, shown } from "../harness/cli.ts";
import { makeCertificates, makeKeyPair } from "../harness/credentials.ts";
import { hasDenokv, startDenokv } from "../harness/denokv.ts";
import { allAt, startDeploy } from "../harness/deploy.ts";
import { flower, trellisOver } from "../harness/programs.ts";
import { scene } from "../harness/scene.ts";
import { JOIN_MS, startSuperNode } from "../harness/supernode.ts";
import { TlsProxy } from "../harness/tls_proxy.ts";
import { assertNumpyFedAvg } from "./numpy_fedavg.ts";

const REAL = flower("1.41.0");
const REFUSED_MS = 45_000;
const SOON_MS = 60_000;

/** Where the state is: in a file, of one program's isolates, or on a server, of two programs'. */
const KVS = ["a file", ...(hasDenokv() ? ["a KV server"] as const : [])] as const;

for (const kv of KVS) {
  scene(
    `Flower 1.41.0 on the isolates of deploy.ts on ${kv}: registered nodes, and a run across kill -9`,
    [REAL.cli, REAL.supernode, REAL.superexec],
    async (scene) => {
      const secret = crypto.randomUUID();
      const certificates = await makeCertificates(scene);
      const environment = {
        TRELLIS_CONTROL_API: "open-to-anybody",
        TRELLIS_SUPEREXEC_SECRET: secret,
      } as const;
      const server = kv === "a file" ? undefined : await startDenokv(scene);
      const deploy = await startDeploy(scene, environment, server);
      const other = server ? await startDeploy(scene, environment, server) : deploy;
      await using proxy = await TlsProxy.start(deploy.httpAddress, certificates);
      await using otherProxy = await TlsProxy.start(other.httpAddress, certificates);
      const link = { ...deploy, ...allAt(proxy.address), certificates };
      const otherLink = { ...other, ...allAt(otherProxy.address), certificates };
      const cli = await makeCli(scene, REAL.cli, otherLink);
      const keys = [
        await makeKeyPair(scene, "client_credentials_1"),
        await makeKeyPair(scene, "client_credentials_2", 256),
      ];
      const ids: string[] = [];
      for (const { publicKey } of keys) ids.push(await cli.register(publicKey));
      const nodes = keys.map((key, partition) =>
        startSuperNode(scene, REAL.supernode, link, {
          name: `SuperNode ${partition + 1}`,
          partition,
          isolation: "subprocess",
          ...key,
        })
      );
      const secretFile = scene.path("secret");
      await Deno.writeTextFile(secretFile, secret);
      scene.start(REAL.superexec, {
        name: "SuperExec",
        args: [
          ...["--root-certificates", certificates.ca],
          ...["--runtime-api-address", otherLink.httpAddress],
          ...["--superexec-auth-secret-file", secretFile],
        ],
      });
      for (const id of ids) await cli.waitForStatus(id, "online", JOIN_MS);

      const app = await makeAppCli(scene, REAL.cli, otherLink, "numpy_fedavg");
      const runId = await app.startRun();
      await nodes[0]?.waitForLine(/Receiving: evaluate message/, SOON_MS);
      await deploy.process.kill();
      await deploy.restart();
      await app.waitForRun(runId, "finished:completed");
      assertNumpyFedAvg(await app.log(runId), 2);

      const [unregistered = "", staying = ""] = ids;
      await cli.unregister(unregistered);
      await nodes[0]?.waitForExit(REFUSED_MS);
      assert(nodes[1]?.isRunning);
      assertEquals(await cli.statuses(), { [unregistered]: "unregistered", [staying]: "online" });
    },
  );
}

scene("our CLI with the token, and our SuperNode, on deploy.ts over TLS", [], async (scene) => {
  const token = crypto.randomUUID();
  const deploy = await startDeploy(scene, { TRELLIS_CONTROL_TOKEN: token });
  const certificates = await makeCertificates(scene);
  await using proxy = await TlsProxy.start(deploy.httpAddress, certificates);
  const link = { ...deploy, ...allAt(proxy.address), certificates };
  const { cli, supernode } = trellisOver("http");
  const key = await makeKeyPair(scene, "client_credentials_1");
  const stranger = await makeCli(scene, cli, link);
  const refused = await stranger.run(["supernode", "register", key.publicKey]);
  assertEquals(refused.code, 1, shown(refused));
  assertStringIncludes(refused.stderr, "set TRELLIS_TOKEN", shown(refused));
  const operator = await makeCli(
    scene,
    { ...cli, env: { ...cli.env, TRELLIS_CONTROL_TOKEN: token } },
    link,
  );
  const nodeId = await operator.register(key.publicKey);
  const node = startSuperNode(scene, supernode, link, { name: "SuperNode", ...key });
  await operator.waitForStatus(nodeId, "online", JOIN_MS);
  assertEquals((await node.stop()).code, 0);
  assertEquals(await operator.statuses(), { [nodeId]: "offline" });
});
