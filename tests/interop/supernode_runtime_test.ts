import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type AppFiles, makeAppCli } from "../harness/app_cli.ts";
import { shown } from "../harness/cli.ts";
import { type FlowerVersion, REPOSITORY } from "../harness/flower_env.ts";
import { freePort } from "../harness/ports.ts";
import { flower, type Program, TRELLIS, trellisOver } from "../harness/programs.ts";
import { type Scene, scene } from "../harness/scene.ts";
import { startSuperLink, type SuperLink } from "../harness/superlink.ts";
import { startSuperNode } from "../harness/supernode.ts";
import { assertNumpyFedAvg } from "./numpy_fedavg.ts";

const REAL = flower("1.41.0");
const CLIENT_APP = "fedavg_lin/client_app.py";
/** How soon things happen in a run, on a busy machine. */
const SOON_MS = 60_000;
/** A ServerApp hears of a ClientApp's end this soon. */
const HEARD_S = 5;

/** A SuperLink of ours whose ServerApps are those of Flower 1.25. */
function startOurs(scene: Scene): Promise<SuperLink> {
  return startSuperLink(scene, TRELLIS.superlink, { isolation: "subprocess", python: "1.25.0" });
}

/** The app, whose ClientApp also says whether it was forked. */
async function tellingApp(): Promise<AppFiles> {
  const app = join(REPOSITORY, "tests/interop/apps/numpy_fedavg", CLIENT_APP);
  return {
    [CLIENT_APP]: await Deno.readTextFile(app) +
      "\nimport sys\nprint(f\"CLIENT forked={'trellis-preload' in sys.orig_argv}\", flush=True)\n",
  };
}

/** Starts the node of one half of the data, with ClientApps of a release. */
function startHalf(
  scene: Scene,
  program: Program,
  link: SuperLink,
  partition: number,
  python: FlowerVersion,
) {
  const name = `SuperNode ${partition + 1}`;
  return startSuperNode(scene, program, link, {
    name,
    partition,
    isolation: "subprocess",
    python,
  });
}

/** Trains to the numbers of Flower 1.25.0. */
async function train(scene: Scene, link: SuperLink, files: AppFiles = {}): Promise<void> {
  const app = await makeAppCli(scene, TRELLIS.cli, link, "numpy_fedavg", files);
  const outcome = await app.runToEnd();
  assertEquals(outcome.code, 0, shown(outcome));
  assertNumpyFedAvg(outcome.stdout, 2);
}

scene(
  "ClientApps of Flower 1.41 train on our SuperNodes, forked, over gRPC and HTTP to our SuperLink",
  [REAL.supernode, flower("1.25.0").superlink],
  async (scene) => {
    const link = await startOurs(scene);
    const nodes = (["grpc", "http"] as const).map((transport, partition) =>
      startHalf(scene, trellisOver(transport).supernode, link, partition, "1.41.0")
    );
    await train(scene, link, await tellingApp());
    for (const node of nodes) {
      await node.waitForLine(/CLIENT forked=True/, 0);
      assert(!node.lines.some((line) => /loads Flower itself|is replaced/.test(line)));
    }
  },
);

scene(
  "ClientApps of Flower 1.33 (gRPC) and 1.39 (HTTP) train in one run on our SuperNodes",
  [flower("1.33.0").supernode, flower("1.39.0").supernode, flower("1.25.0").superlink],
  async (scene) => {
    const link = await startOurs(scene);
    startHalf(scene, TRELLIS.supernode, link, 0, "1.33.0");
    startHalf(scene, TRELLIS.supernode, link, 1, "1.39.0");
    await train(scene, link);
  },
);

scene(
  "ClientApps of Flower 1.41 and 1.25 train on our SuperNodes on a real SuperLink of 1.41",
  [REAL.superlink, flower("1.25.0").superlink],
  async (scene) => {
    const link = await startSuperLink(scene, REAL.superlink, { isolation: "subprocess" });
    startHalf(scene, TRELLIS.supernode, link, 0, "1.41.0");
    startHalf(scene, TRELLIS.supernode, link, 1, "1.25.0");
    await train(scene, link);
  },
);

scene(
  "flower-superexec 1.41 and 1.33 start ClientApps for our SuperNodes, with a secret",
  [REAL.superexec, flower("1.33.0").superexec, flower("1.25.0").superlink],
  async (scene) => {
    const link = await startOurs(scene);
    const secret = scene.path("secret");
    await Deno.writeTextFile(secret, "a secret of both");
    const superexecs = [
      (at: string) => ["--runtime-api-address", at, "--superexec-auth-secret-file", secret],
      (at: string) => [
        ...["--plugin-type", "clientapp", "--appio-api-address", at],
        ...["--superexec-auth-secret-file", secret],
      ],
    ];
    for (const [partition, flags] of superexecs.entries()) {
      const clientAppPort = freePort();
      startSuperNode(scene, TRELLIS.supernode, link, {
        name: `SuperNode ${partition + 1}`,
        isolation: "process",
        partition,
        clientAppPort,
        superExecSecret: secret,
      });
      scene.start(flower(partition === 0 ? "1.41.0" : "1.33.0").superexec, {
        name: `SuperExec ${partition + 1}`,
        args: ["--insecure", ...flags(`127.0.0.1:${clientAppPort}`)],
      });
    }
    await train(scene, link);
  },
);

scene(
  "a ServerApp hears within 5 s of a ClientApp of Flower 1.41 that is killed or raises",
  [REAL.supernode, flower("1.25.0").superlink],
  async (scene) => {
    const link = await startOurs(scene);
    const node = startHalf(scene, TRELLIS.supernode, link, 0, "1.41.0");
    for (
      const { client, reason } of [
        { client: "is killed", reason: /code 8: The ClientApp process ended without a reply/ },
        { client: "raises", reason: /code 2: <class 'ValueError'>:<'the data is not there'>/ },
      ]
    ) {
      const from = node.lines.length;
      const app = await makeAppCli(scene, TRELLIS.cli, link, "failing");
      const outcome = await app.runToEnd("--run-config", `client="${client}"`);
      assertEquals(outcome.code, 1, shown(outcome));
      assertMatch(outcome.stderr, reason, shown(outcome));
      const [, failed] = await node.waitForLine(/CLIENT .* at=([\d.]+)/, SOON_MS, from);
      const [, heard] = outcome.stdout.match(/SERVER heard at=([\d.]+)/) ?? [];
      assert(Number(heard) - Number(failed) < HEARD_S, `${failed}, ${heard}`);
    }
  },
);
