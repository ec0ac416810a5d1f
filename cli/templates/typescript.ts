import { FEDERATIONS_TOML, GITIGNORE, readme, type Template } from "./app_files.ts";

/** An app in TypeScript that needs nothing but Trellis. */
export const typescriptTemplate: Template = (values) => ({
  "pyproject.toml": pyproject(values.name, values.publisher),
  ".gitignore": GITIGNORE,
  "README.md": readme(values, "A Flower app in TypeScript. It needs no Python."),
  "task.ts": TASK,
  "server_app.ts": SERVER_APP,
  "client_app.ts": CLIENT_APP,
});

const pyproject = (name: string, publisher: string) =>
  `\
# Flower reads an app's name and settings from this file, also when the app is no Python.
[project]
name = "${name}"
version = "1.0.0"
description = "Linear regression with federated averaging"
license = "Apache-2.0"

[tool.flwr.app]
publisher = "${publisher}"

[tool.flwr.app.components]
serverapp = "server_app:app"
clientapp = "client_app:app"

[tool.flwr.app.config]
num-server-rounds = 3
local-steps = 20
learning-rate = 0.1

[tool.trellis]
runtime = "typescript"

${FEDERATIONS_TOML}`;

const TASK = `\
/** The data, the model and its training. */

export interface Point {
  readonly x: readonly [number, number];
  readonly y: number;
}

/** A line: \`y = weights[0] x0 + weights[1] x1 + bias[0]\`. */
export interface Model {
  readonly weights: Float64Array;
  readonly bias: Float64Array;
}

/** Points around a line, other ones for each partition. Load your own data here. */
export function loadData(partition: number, count = 64): Point[] {
  const random = randomNumbers(partition);
  return Array.from({ length: count }, () => {
    const x = [random() * 2 - 1, random() * 2 - 1] as const;
    return { x, y: 2 * x[0] - 3 * x[1] + 0.5 + (random() - 0.5) * 0.02 };
  });
}

/** A model that knows nothing. */
export function initialModel(): Model {
  return { weights: new Float64Array(2), bias: new Float64Array(1) };
}

/** Mean squared error. */
export function loss(model: Model, data: readonly Point[]): number {
  return data.reduce((sum, point) => sum + residual(model, point) ** 2, 0) /
    data.length;
}

/** Gradient descent. */
export function fit(
  { weights: [w0 = 0, w1 = 0], bias: [b = 0] }: Model,
  data: readonly Point[],
  steps: number,
  learningRate: number,
): Model {
  const weights = Float64Array.of(w0, w1);
  const bias = Float64Array.of(b);
  const model = { weights, bias };
  for (let step = 0; step < steps; step++) {
    const residuals = data.map((point) => residual(model, point));
    const gradient = (factor: (point: Point) => number) =>
      data.reduce(
        (sum, point, i) => sum + 2 * (residuals[i] ?? 0) * factor(point),
        0,
      ) / data.length;
    const [g0, g1, gb] = [
      gradient(({ x }) => x[0]),
      gradient(({ x }) => x[1]),
      gradient(() => 1),
    ];
    weights.set([
      (weights[0] ?? 0) - learningRate * g0,
      (weights[1] ?? 0) - learningRate * g1,
    ]);
    bias.set([(bias[0] ?? 0) - learningRate * gb]);
  }
  return model;
}

function residual(
  { weights: [w0 = 0, w1 = 0], bias: [b = 0] }: Model,
  { x, y }: Point,
): number {
  return w0 * x[0] + w1 * x[1] + b - y;
}

/** Repeatable random numbers from 0 to below 1 (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
`;

const SERVER_APP = `\
/** Runs the rounds. */

import {
  ArrayRecord,
  FedAvg,
  float64Of,
  intOf,
  MetricRecord,
  ndArray,
  ServerApp,
} from "@trellis/sdk";
import { initialModel, loadData, loss } from "./task.ts";

/** Points that no node has. */
const TEST_DATA = loadData(10_000);

export const app = new ServerApp(async (grid, context) => {
  const { weights, bias } = initialModel();
  const { arrays } = await new FedAvg().start({
    grid,
    initialArrays: ArrayRecord.fromNdArrays([
      ["weights", ndArray(weights)],
      ["bias", ndArray(bias)],
    ]),
    numRounds: intOf(context.runConfig, "num-server-rounds"),
    evaluate: (round, arrays) => {
      const model = {
        weights: float64Of(arrays, "weights"),
        bias: float64Of(arrays, "bias"),
      };
      const value = loss(model, TEST_DATA);
      console.log(\`Round \${round}: loss \${value.toFixed(6)}\`);
      return new MetricRecord({ loss: value });
    },
  });
  const model = [...float64Of(arrays, "weights"), ...float64Of(arrays, "bias")];
  console.log(
    \`The model: \${model.map((value) => value.toFixed(3)).join(", ")}\`,
  );
});
`;

const CLIENT_APP = `\
/** Trains and evaluates on the data of a node. */

import {
  ArrayRecord,
  arraysOf,
  ClientApp,
  float64Of,
  floatOf,
  intOf,
  MetricRecord,
  ndArray,
  RecordDict,
} from "@trellis/sdk";
import { fit, loadData, loss, type Model } from "./task.ts";

export const app = new ClientApp()
  .train(({ content }, { nodeConfig, runConfig }) => {
    const data = loadData(intOf(nodeConfig, "partition-id", 0));
    const model = fit(
      readModel(content),
      data,
      intOf(runConfig, "local-steps"),
      floatOf(runConfig, "learning-rate"),
    );
    return new RecordDict({
      arrays: ArrayRecord.fromNdArrays([
        ["weights", ndArray(model.weights)],
        ["bias", ndArray(model.bias)],
      ]),
      metrics: new MetricRecord({
        "train-loss": loss(model, data),
        "num-examples": BigInt(data.length),
      }),
    });
  })
  .evaluate(({ content }, { nodeConfig }) => {
    const data = loadData(intOf(nodeConfig, "partition-id", 0));
    const metrics = new MetricRecord({
      "eval-loss": loss(readModel(content), data),
      "num-examples": BigInt(data.length),
    });
    return new RecordDict({ metrics });
  });

/** The model that the ServerApp sent. */
function readModel(content: RecordDict): Model {
  const arrays = arraysOf(content);
  return {
    weights: float64Of(arrays, "weights"),
    bias: float64Of(arrays, "bias"),
  };
}
`;
