import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { floatOf } from "@trellis/sdk";
import { readAppConfig } from "../fab/app_config.ts";
import { flowerBin, missingFlower } from "../tests/harness/flower_env.ts";
import { IRIS } from "./iris-typescript/iris.ts";
import { assertSameRounds, irisConfig, type Round, trainInProcess } from "./testing/iris_rounds.ts";

const NODES = 3;
const PYTHON_APP = fileURLToPath(new URL("iris-python", import.meta.url));

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
  const rounds = await trainInProcess(NODES);
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
    const config = await irisConfig();
    const expected: Round[] = JSON.parse(
      await runPython(
        PYTHON_PROGRAM,
        String(floatOf(config, "num-server-rounds")),
        String(NODES),
        String(floatOf(config, "local-epochs")),
        String(floatOf(config, "learning-rate")),
      ),
    );
    assertSameRounds(await trainInProcess(NODES), expected);
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
  assertEquals(config, await irisConfig());
});
