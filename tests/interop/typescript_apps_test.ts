import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { delay } from "@std/async";
import type { AppKind } from "../../apps/app_process.ts";
import { NO_PERMISSIONS } from "../../apps/typescript/app_permissions.ts";
import { TypeScriptApps } from "../../apps/typescript/typescript_apps.ts";
import {
  assertSameRounds,
  readRounds,
  trainInProcess,
} from "../../examples/testing/iris_rounds.ts";
import { ClientAppIo } from "../../proto/gen/flwr/proto/clientappio_pb.ts";
import { ServerAppIo } from "../../proto/gen/flwr/proto/serverappio_pb.ts";
import { parseAddress } from "../../wire/address.ts";
import { GrpcChannel } from "../../wire/grpc/client.ts";
import { StatusError } from "../../wire/status.ts";
import { AppCli, type AppFiles, EXAMPLES, makeApp } from "../harness/app_cli.ts";
import { shown } from "../harness/cli.ts";
import { type FleetOptions, FLOWER_MEMORY, startFleet } from "../harness/fleet.ts";
import { flower, type Program, TRELLIS } from "../harness/programs.ts";
import { type Scene, scene } from "../harness/scene.ts";
import type { SuperLink } from "../harness/superlink.ts";
import { FINAL } from "./regression.ts";

const REAL = flower("1.25.0");
const PROCESS = { isolation: "process" } as const;
const TYPESCRIPT = join(EXAMPLES, "iris-typescript");
const PYTHON = join(EXAMPLES, "iris-python");
const REGRESSION = fileURLToPath(new URL("apps/regression", import.meta.url));

/** Files of the app in Python. */
async function pythonFiles(...names: string[]): Promise<AppFiles> {
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, await Deno.readTextFile(join(PYTHON, name))] as const),
    ),
  );
}

/** The app in TypeScript with one component, `name`, in Python. */
async function makeMixedApp(scene: Scene, link: SuperLink, name: string): Promise<string> {
  const files = await pythonFiles(`${name}.py`, "model.py", "iris.py");
  const folder = await makeApp(scene, link, TYPESCRIPT, files);
  await Deno.remove(join(folder, `${name}.ts`));
  return folder;
}

/** Runs the app with two nodes to its end: it must come to the numbers that it comes to alone. */
async function assertTrains(scene: Scene, folder: string): Promise<void> {
  const app = new AppCli(scene, TRELLIS.cli, folder);
  const outcome = await app.runToEnd();
  assertEquals(outcome.code, 0, shown(outcome));
  assertSameRounds(readRounds(outcome.stdout), await trainInProcess(2));
  const [run] = await app.runs();
  assertEquals(run?.status, "finished:completed");
}

const OURS: FleetOptions = {
  superlink: TRELLIS.superlink,
  supernodes: [TRELLIS.supernode, TRELLIS.supernode],
};

scene("an app in TypeScript trains on our programs, without Python", [], async (scene) => {
  const apps = { isolation: "subprocess" } as const;
  const { link } = await startFleet(scene, { ...OURS, serverApps: apps, clientApps: apps });
  await assertTrains(scene, await makeApp(scene, link, TYPESCRIPT));
});

const mixes: [string, string, string, Program[], FleetOptions][] = [
  ["Python", "TypeScript", "our programs", [REAL.superexec], OURS],
  ["TypeScript", "Python", "our programs", [REAL.superexec], OURS],
  ["Python", "TypeScript", "flower-superlink 1.25.0", [REAL.superlink], {
    ...OURS,
    superlink: REAL.superlink,
  }],
  ["TypeScript", "Python", "flower-supernode 1.25.0", [REAL.supernode], {
    ...OURS,
    supernodes: [REAL.supernode, REAL.supernode],
  }],
];

for (const [server, client, where, programs, fleet] of mixes) {
  scene(
    `a ServerApp in ${server} trains ClientApps in ${client}, on ${where}`,
    programs,
    async (scene) => {
      const { link } = await startFleet(scene, fleet);
      const inPython = server === "Python" ? "server_app" : "client_app";
      await assertTrains(scene, await makeMixedApp(scene, link, inPython));
    },
  );
}

/** The ServerApp of `apps/regression`. */
const REGRESSION_SERVER =
  `import { ArrayRecord, FedAvg, float64Of, intOf, ndArray, ServerApp } from "@trellis/sdk";

export const app = new ServerApp(async (grid, { runConfig }) => {
  const nodes = intOf(runConfig, "num-nodes");
  const result = await new FedAvg({
    minTrainNodes: nodes,
    minEvaluateNodes: nodes,
    minAvailableNodes: nodes,
  }).start({
    grid,
    initialArrays: ArrayRecord.fromNdArrays([["line", ndArray(new Float64Array(2))]]),
    numRounds: intOf(runConfig, "num-server-rounds"),
  });
  const last = Math.max(...result.trainMetricsClientApp.keys());
  const trained = result.trainMetricsClientApp.get(last);
  const evaluated = result.evaluateMetricsClientApp.get(last);
  const line = [...float64Of(result.arrays, "line")].join(", ");
  console.log(
    \`FINAL rounds=\${last} fits=\${trained.get("fits").toFixed(1)} train-loss=\${trained.get("train-loss")} \` +
      \`eval-loss=\${evaluated.get("eval-loss")} line=[\${line}]\`,
  );
});
`;

scene(
  "a ServerApp in TypeScript comes to the last digit of one in Python",
  [REAL.superexec],
  async (scene) => {
    const { link } = await startFleet(scene, OURS);
    const pyproject = await Deno.readTextFile(join(REGRESSION, "pyproject.toml"));
    const folder = await makeApp(scene, link, REGRESSION, {
      "pyproject.toml": `${pyproject}\n[tool.trellis]\nruntime = "typescript"\n`,
      "regression/server_app.ts": REGRESSION_SERVER,
    });
    await Deno.remove(join(folder, "regression", "server_app.py"));
    const outcome = await new AppCli(scene, TRELLIS.cli, folder).runToEnd();
    assertEquals(outcome.code, 0, shown(outcome));
    assertStringIncludes(outcome.stdout, FINAL, shown(outcome));
  },
);

scene(
  "processes of TypeScript apps work for flower-superlink and flower-supernode 1.25.0",
  [REAL.superlink, REAL.supernode],
  async (scene) => {
    const { link, nodes } = await startFleet(scene, {
      superlink: REAL.superlink,
      database: FLOWER_MEMORY,
      supernodes: [REAL.supernode, REAL.supernode],
      serverApps: PROCESS,
      clientApps: PROCESS,
    });
    await using _serverApps = startApps(scene, "serverapp", link.serverAppAddress);
    const [first, second] = nodes;
    await using _first = startApps(scene, "clientapp", first?.clientAppAddress ?? "");
    await using _second = startApps(scene, "clientapp", second?.clientAppAddress ?? "");
    await assertTrains(scene, await makeApp(scene, link, TYPESCRIPT));
  },
);

scene(
  "what a ServerApp in TypeScript throws is shown by flower-superlink 1.25.0, and stays",
  [REAL.superlink, REAL.cli],
  async (scene) => {
    const { link } = await startFleet(scene, {
      superlink: REAL.superlink,
      supernodes: [],
      serverApps: PROCESS,
    });
    await using _ = startApps(scene, "serverapp", link.serverAppAddress);
    const folder = await makeApp(scene, link, TYPESCRIPT, {
      "server_app.ts": `import { ServerApp } from "@trellis/sdk";
        export const app = new ServerApp(() => { throw new RangeError("no flowers"); });`,
    });
    const app = new AppCli(scene, TRELLIS.cli, folder);
    const runId = await app.startRun();
    await app.waitForRun(runId, "finished:failed");
    assertMatch(await app.log(runId), /RangeError: no flowers\n {4}at /);
  },
);

/** Does for TypeScript apps what `flower-superexec` does, until it is disposed of. */
function startApps(scene: Scene, kind: AppKind, address: string): AsyncDisposable {
  const apiAddress = parseAddress(address) ?? { host: "", port: 0 };
  const { method } = kind === "serverapp" ? ServerAppIo : ClientAppIo;
  const channel = new GrpcChannel(apiAddress, { insecure: true });
  const stop = new AbortController();
  const apps = new TypeScriptApps({ permissions: NO_PERMISSIONS, maxIdle: 0 });

  const launchable = async () => {
    try {
      return (await channel.unary(method.listAppsToLaunch, {})).runIds;
    } catch (error) {
      // A SuperNode takes its time to start.
      if (error instanceof StatusError && error.status === "UNAVAILABLE") return [];
      throw error;
    }
  };
  const launch = async (runId: bigint) => {
    const { token } = await channel.unary(method.requestToken, { runId });
    if (token === "") return;
    const flwrDirectory = scene.flwrHome;
    await apps.start({ kind, apiAddress, token, flwrDirectory });
  };
  const loop = async () => {
    while (!stop.signal.aborted) {
      for (const runId of await launchable()) await launch(runId);
      await delay(200);
    }
  };
  const done = loop();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
      await apps[Symbol.asyncDispose]();
      channel.close();
    },
  };
}
