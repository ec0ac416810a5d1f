/**
 * The pairs of programs that must work together, each as a play on a stage of its own: one program of
 * Flower, and for the rest ours, or the other way round.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { AppOptions } from "../harness/app_flags.ts";
import { type AppCli, makeAppCli } from "../harness/app_cli.ts";
import { type Cli, makeCli, shown } from "../harness/cli.ts";
import { type KeyPair, makeCertificates, makeKeyPair } from "../harness/credentials.ts";
import type { FlowerVersion } from "../harness/flower_env.ts";
import { callsOverHttp, flower, minorOf, type Program, TRELLIS } from "../harness/programs.ts";
import type { Scene } from "../harness/scene.ts";
import { startSuperLink, type SuperLink } from "../harness/superlink.ts";
import { JOIN_MS, startSuperNode } from "../harness/supernode.ts";
import { Steps } from "./steps.ts";

/** What is played, and how a table calls it. */
export interface Play {
  /** The column. */
  readonly role: string;
  /** Which way the two programs speak. */
  readonly transport: (version: FlowerVersion) => "gRPC" | "HTTP";
  readonly play: (scene: Scene, version: FlowerVersion, numbers: string) => Promise<Steps>;
}

/** A run with one node ends this soon, also on a busy machine. */
const RUN_MS = 90_000;
const ONE_NODE = ["--run-config", "num-nodes=1"];
const FINAL = /^FINAL .*$/m;
const TRELLIS_APPS: AppOptions = { isolation: "subprocess", python: "1.25.0" };

/** What the app says in the end with Flower 1.25.0 alone. */
export async function numbersOfFlower(scene: Scene): Promise<string> {
  const real = flower("1.25.0");
  const { link, key } = await openLink(scene, real.superlink, { isolation: "subprocess" });
  startNode(scene, real.supernode, link, key, { isolation: "subprocess" });
  return await finalLine(await makeAppCli(scene, real.cli, link, "regression"));
}

const byCli = (version: FlowerVersion) =>
  callsOverHttp(flower(version).cli, "cli") ? "HTTP" : "gRPC";
const byNode = (version: FlowerVersion) =>
  callsOverHttp(flower(version).supernode, "supernode") ? "HTTP" : "gRPC";
const byApp = (version: FlowerVersion) =>
  minorOf(flower(version).superexec) >= 35 ? "HTTP" : "gRPC";

/** All plays, in the order of their columns. */
export const PLAYS: readonly Play[] = [
  {
    role: "`flwr` on our SuperLink",
    transport: byCli,
    async play(scene, version, numbers) {
      const { link, key } = await openLink(scene, TRELLIS.superlink, TRELLIS_APPS, false);
      const cli = await makeCli(scene, flower(version).cli, link);
      const app = await makeAppCli(scene, flower(version).cli, link, "regression");
      return await driveWith({ scene, link, key, cli, app, numbers }, TRELLIS.supernode);
    },
  },
  {
    role: "`flower-supernode` on our SuperLink",
    transport: byNode,
    async play(scene, version, numbers) {
      const { supernode } = flower(version);
      const fleet = await openLink(scene, TRELLIS.superlink, TRELLIS_APPS);
      return await joinAndTrain(scene, fleet, supernode, { isolation: "subprocess" }, numbers);
    },
  },
  {
    role: "`flwr-serverapp`, started by us",
    transport: byApp,
    async play(scene, version, numbers) {
      const python = { isolation: "subprocess", python: version } as const;
      const fleet = await openLink(scene, TRELLIS.superlink, python);
      return await justTrain(scene, fleet, TRELLIS_APPS, numbers);
    },
  },
  {
    role: "`flower-superexec` for our SuperLink",
    transport: byApp,
    async play(scene, version, numbers) {
      const fleet = await openLink(scene, TRELLIS.superlink, { isolation: "process" });
      const { superexec } = flower(version);
      const { link } = fleet;
      scene.start(superexec, {
        name: "SuperExec",
        args: minorOf(superexec) >= 35
          ? [
            ...["--root-certificates", link.certificates?.ca ?? ""],
            ...["--runtime-api-address", link.httpAddress],
          ]
          : [
            ...["--insecure", "--plugin-type", "serverapp"],
            ...["--appio-api-address", link.serverAppAddress],
          ],
      });
      return await justTrain(scene, fleet, TRELLIS_APPS, numbers);
    },
  },
  {
    role: "`flwr-clientapp` on our SuperNode",
    transport: byApp,
    async play(scene, version, numbers) {
      const fleet = await openLink(scene, TRELLIS.superlink, TRELLIS_APPS);
      return await justTrain(scene, fleet, { isolation: "subprocess", python: version }, numbers);
    },
  },
  {
    role: "our CLI on `flower-superlink`",
    transport: byCli,
    async play(scene, version, numbers) {
      const real = flower(version);
      const apps = { isolation: "subprocess" } as const;
      const { link, key } = await openLink(scene, real.superlink, apps, false);
      const cli = await makeCli(scene, TRELLIS.cli, link);
      const app = await makeAppCli(scene, TRELLIS.cli, link, "regression");
      return await driveWith({ scene, link, key, cli, app, numbers }, real.supernode);
    },
  },
  {
    role: "our SuperNode on `flower-superlink`",
    transport: byNode,
    async play(scene, version, numbers) {
      const fleet = await openLink(scene, flower(version).superlink, { isolation: "subprocess" });
      return await joinAndTrain(scene, fleet, TRELLIS.supernode, TRELLIS_APPS, numbers);
    },
  },
];

interface OpenLink {
  readonly link: SuperLink;
  readonly key: KeyPair;
  /** Empty where the key is still to be registered. */
  readonly nodeId: string;
  /** The CLI of the SuperLink's own kind. */
  readonly cliProgram: Program;
}

/** Starts a SuperLink with TLS and authentication, and registers a key there. */
async function openLink(
  scene: Scene,
  superlink: Program,
  apps: AppOptions,
  register = true,
): Promise<OpenLink> {
  const link = await startSuperLink(scene, superlink, {
    certificates: await makeCertificates(scene),
    enableSuperNodeAuth: true,
    ...apps,
  });
  const key = await makeKeyPair(scene, "key");
  const cliProgram = superlink.flower === undefined ? TRELLIS.cli : flower(superlink.flower).cli;
  if (!register) return { link, key, nodeId: "", cliProgram };
  const cli = await makeCli(scene, cliProgram, link);
  return { link, key, nodeId: await cli.register(key.publicKey), cliProgram };
}

function startNode(
  scene: Scene,
  supernode: Program,
  link: SuperLink,
  { privateKey }: KeyPair,
  apps: AppOptions,
) {
  return startSuperNode(scene, supernode, link, { name: "SuperNode", privateKey, ...apps });
}

/** Runs the app to its end and gives its last line. */
async function finalLine(app: AppCli): Promise<string> {
  const run = app.start(["run"], "--stream", ...ONE_NODE);
  const code = await run.waitForExit(RUN_MS);
  const [line] = FINAL.exec(run.stdout) ?? [];
  assert(line !== undefined, shown({ code, stdout: run.stdout, stderr: run.stderr }));
  return line;
}

interface Drive {
  readonly scene: Scene;
  readonly link: SuperLink;
  readonly key: KeyPair;
  readonly cli: Cli;
  readonly app: AppCli;
  readonly numbers: string;
}

/** All that a CLI is for, on a SuperLink with one SuperNode. */
async function driveWith(
  { scene, link, key, cli, app, numbers }: Drive,
  supernode: Program,
): Promise<Steps> {
  const steps = new Steps();
  const nodeId = await steps.take("supernode register", () => cli.register(key.publicKey));
  if (nodeId === undefined) return steps;
  const apps: AppOptions = supernode.flower === undefined
    ? TRELLIS_APPS
    : { isolation: "subprocess" };
  startNode(scene, supernode, link, key, apps);
  await steps.take("supernode list", () => cli.waitForStatus(nodeId, "online", JOIN_MS));
  await steps.take("run --stream", async () => assertEquals(await finalLine(app), numbers));
  await steps.take("list", async () => {
    const statuses = (await app.runs()).map(({ status }) => status);
    assertEquals(statuses, ["finished:completed"]);
  });
  await steps.take("stop", async () => {
    const outcome = await app.run(["run"], "--run-config", "num-nodes=9");
    const [, runId = ""] = /Successfully started run (\d+)/.exec(outcome.stdout) ?? [];
    assert(runId !== "", shown(outcome));
    const stopped = await app.run(["stop", runId]);
    assert(stopped.stdout.includes(`${runId} successfully stopped`), shown(stopped));
  });
  await steps.take("supernode unregister", () => cli.unregister(nodeId));
  return steps;
}

/** The life of a SuperNode on a SuperLink. */
async function joinAndTrain(
  scene: Scene,
  { link, key, nodeId, cliProgram }: OpenLink,
  supernode: Program,
  apps: AppOptions,
  numbers: string,
): Promise<Steps> {
  const steps = new Steps();
  const cli = await makeCli(scene, cliProgram, link);
  const node = startNode(scene, supernode, link, key, apps);
  await steps.take("join", () => cli.waitForStatus(nodeId, "online", JOIN_MS));
  await steps.take("train", async () => {
    const app = await makeAppCli(scene, cliProgram, link, "regression");
    assertEquals(await finalLine(app), numbers);
  });
  await steps.take("leave", async () => {
    await node.stop();
    await cli.waitForStatus(nodeId, "offline", JOIN_MS);
  });
  return steps;
}

/** A run with our SuperLink, SuperNode and CLI, whose apps are what is looked at. */
async function justTrain(
  scene: Scene,
  { link, key }: OpenLink,
  clientApps: AppOptions,
  numbers: string,
): Promise<Steps> {
  const steps = new Steps();
  startNode(scene, TRELLIS.supernode, link, key, clientApps);
  const app = await makeAppCli(scene, TRELLIS.cli, link, "regression");
  await steps.take("train", async () => assertEquals(await finalLine(app), numbers));
  return steps;
}
