import { assert, assertAlmostEquals, assertEquals, assertGreater, assertLess } from "@std/assert";
import { fileURLToPath } from "node:url";
import { floatOf } from "@trellis/sdk";
import { readAppConfig } from "../fab/app_config.ts";
import { LocalFederation, testContext } from "../sdk/testing/local_federation.ts";
import { flowerBin, missingFlower } from "../tests/harness/flower_env.ts";
import { app as clientApp } from "./iris-typescript/client_app.ts";
import { IRIS } from "./iris-typescript/iris.ts";
import { app as serverApp } from "./iris-typescript/server_app.ts";

const NODES = 3;
const PYTHON_APP = fileURLToPath(new URL("iris-python", import.meta.url));

/** What a round gave, as the `RESULT` lines of both apps tell it. */
interface Round {
  readonly trainLoss: number;
  readonly evalLoss: number;
  readonly accuracy: number;
}

async function settings() {
  const file = new URL("iris-typescript/pyproject.toml", import.meta.url);
  return readAppConfig(await Deno.readTextFile(file)).config;
}

/** Runs the app in TypeScript in a federation inside this process. */
async function trainInTypeScript(): Promise<Round[]> {
  const runConfig = await settings();
  const federation = new LocalFederation();
  federation.addNodes(NODES, clientApp, runConfig);
  const rounds: Round[] = [];
  const { log } = console;
  console.log = (line: string) => {
    const found = /^RESULT .*train-loss=(\S+) eval-loss=(\S+) accuracy=(\S+)/.exec(line);
    if (!found) return;
    const [trainLoss = NaN, evalLoss = NaN, accuracy = NaN] = found.slice(1).map(Number);
    rounds.push({ trainLoss, evalLoss, accuracy });
  };
  try {
    await serverApp.run(federation.grid(), testContext(0n, {}, runConfig));
  } finally {
    console.log = log;
  }
  return rounds;
}

/** FedAvg by hand with the model of the app in Python. */
const PYTHON_PROGRAM = `
import json, sys
import numpy as np
from model import FEATURES, SPECIES, fit, measure, partition
rounds, nodes, epochs, rate = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
data = [partition(i, nodes) for i in range(nodes)]
weights, bias = np.zeros((FEATURES, SPECIES)), np.zeros(SPECIES)
trains, tests = [np.array([len(d[k]) for d in data]) for k in (0, 1)]
out = []
for _ in range(rounds):
    fitted = [fit(weights, bias, train, epochs, rate) for train, _ in data]
    losses = [measure(*f, train)[0] for f, (train, _) in zip(fitted, data)]
    weights = sum(f[0] * n for f, n in zip(fitted, trains / trains.sum()))
    bias = sum(f[1] * n for f, n in zip(fitted, trains / trains.sum()))
    measured = np.array([measure(weights, bias, test) for _, test in data])
    loss, accuracy = (tests / tests.sum()) @ measured
    out.append({"trainLoss": losses @ (trains / trains.sum()), "evalLoss": loss, "accuracy": accuracy})
print(json.dumps(out))
`;

async function runPython(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(`${flowerBin("1.25.0")}/python`, {
    args: ["-B", "-c", program, ...args],
    cwd: PYTHON_APP,
    env: { PYTHONPATH: "." },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("the iris app in TypeScript learns to tell the species apart", async () => {
  const rounds = await trainInTypeScript();
  assertEquals(rounds.length, 5);
  for (const [index, { evalLoss }] of rounds.entries()) {
    const before = rounds[index - 1];
    if (before !== undefined) assertLess(evalLoss, before.evalLoss);
  }
  assertGreater(rounds.at(-1)?.accuracy ?? 0, 0.9);
});

Deno.test({
  name: "the iris apps in TypeScript and in Python have the same losses",
  ignore: missingFlower(["1.25.0"]).length > 0,
  async fn() {
    const config = await settings();
    const expected: Round[] = JSON.parse(
      await runPython(
        PYTHON_PROGRAM,
        ...["num-server-rounds"].map((key) => String(floatOf(config, key))),
        String(NODES),
        String(floatOf(config, "local-epochs")),
        String(floatOf(config, "learning-rate")),
      ),
    );
    const rounds = await trainInTypeScript();
    assertEquals(rounds.length, expected.length);
    for (const [index, { trainLoss, evalLoss, accuracy }] of rounds.entries()) {
      assertAlmostEquals(trainLoss, expected[index]!.trainLoss, 1e-7);
      assertAlmostEquals(evalLoss, expected[index]!.evalLoss, 1e-7);
      assertAlmostEquals(accuracy, expected[index]!.accuracy, 1e-4);
    }
  },
});

Deno.test("both iris apps ship the same flowers and settings", async () => {
  const python = await Deno.readTextFile(`${PYTHON_APP}/iris.py`);
  const rows = Array.from(
    python.matchAll(/^ {4}\((.+)\),$/gm),
    ([, row = ""]) => row.split(",").map(Number),
  );
  assertEquals(rows, IRIS.map((row) => [...row]));
  const config = readAppConfig(await Deno.readTextFile(`${PYTHON_APP}/pyproject.toml`)).config;
  assertEquals(config, await settings());
});
