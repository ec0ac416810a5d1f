import { assertEquals, assertStringIncludes } from "@std/assert";
import { makeCli, shown } from "../harness/cli.ts";
import { makeCertificates, makeKeyPair } from "../harness/credentials.ts";
import { allAt, startDeploy } from "../harness/deploy.ts";
import { trellisOver } from "../harness/programs.ts";
import { scene } from "../harness/scene.ts";
import { JOIN_MS, startSuperNode } from "../harness/supernode.ts";
import { TlsProxy } from "../harness/tls_proxy.ts";
import { assertDeployRun, DEPLOY_RUN_CAST } from "./deploy_run.ts";

scene(
  "Flower 1.41.0 on the isolates of deploy.ts on a file: registered nodes, and a run across kill -9",
  DEPLOY_RUN_CAST,
  (scene) => assertDeployRun(scene),
);

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
