/**
 * What is expected of `deploy.ts`, whoever keeps its state: Flower 1.41.0 registers nodes and trains,
 * one program of isolates is killed in the middle, and who was unregistered stays out.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { makeAppCli } from "../harness/app_cli.ts";
import { makeCli } from "../harness/cli.ts";
import { makeCertificates, makeKeyPair } from "../harness/credentials.ts";
import type { KvServer } from "../harness/denokv.ts";
import { allAt, startDeploy } from "../harness/deploy.ts";
import { flower } from "../harness/programs.ts";
import type { Scene } from "../harness/scene.ts";
import { JOIN_MS, startSuperNode } from "../harness/supernode.ts";
import { TlsProxy } from "../harness/tls_proxy.ts";
import { assertNumpyFedAvg } from "./numpy_fedavg.ts";

const REAL = flower("1.41.0");
const REFUSED_MS = 45_000;
const SOON_MS = 60_000;

/** The programs that play. */
export const DEPLOY_RUN_CAST = [REAL.cli, REAL.supernode, REAL.superexec];

/**
 * Plays it on a file, with the isolates of one program; or on a KV server, with those of two: nodes
 * call the one that is killed, and CLI and SuperExec the other.
 */
export async function assertDeployRun(scene: Scene, server?: KvServer): Promise<void> {
  const secret = crypto.randomUUID();
  const certificates = await makeCertificates(scene);
  const environment = {
    TRELLIS_CONTROL_API: "open-to-anybody",
    TRELLIS_SUPEREXEC_SECRET: secret,
  } as const;
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
}
