import { FEDERATIONS_TOML, GITIGNORE, readme, type Template } from "./app_files.ts";

/** An app in Python that needs flwr and NumPy only. */
export const numpyTemplate: Template = (values) => ({
  "pyproject.toml": pyproject(values.name, values.module, values.publisher),
  ".gitignore": GITIGNORE,
  "README.md": readme(values, "A Flower app in Python with NumPy."),
  [`${values.module}/__init__.py`]: `"""${values.name}: a Flower app."""\n`,
  [`${values.module}/task.py`]: TASK,
  [`${values.module}/server_app.py`]: serverApp(values.module),
  [`${values.module}/client_app.py`]: clientApp(values.module),
});

const pyproject = (name: string, module: string, publisher: string) =>
  `\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "${name}"
version = "1.0.0"
description = "Linear regression with federated averaging"
license = "Apache-2.0"
dependencies = ["flwr>=1.24.0", "numpy>=1.26.0"]

[tool.hatch.build.targets.wheel]
packages = ["."]

[tool.flwr.app]
publisher = "${publisher}"

[tool.flwr.app.components]
serverapp = "${module}.server_app:app"
clientapp = "${module}.client_app:app"

[tool.flwr.app.config]
num-server-rounds = 3
local-steps = 20
learning-rate = 0.1

${FEDERATIONS_TOML}`;

const TASK = `\
"""The data, the model and its training."""

import numpy as np

TRUE_WEIGHTS = np.array([2.0, -3.0])
TRUE_BIAS = 0.5


def load_data(partition: int, count: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Points around a line, other ones for each partition. Load your own data here."""
    rng = np.random.default_rng(partition)
    x = rng.uniform(-1.0, 1.0, size=(count, 2))
    y = x @ TRUE_WEIGHTS + TRUE_BIAS + rng.normal(0.0, 0.01, size=count)
    return x, y


def initial_model() -> dict[str, np.ndarray]:
    """A model that knows nothing."""
    return {"weights": np.zeros(2), "bias": np.zeros(1)}


def loss(model: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray) -> float:
    """Mean squared error."""
    return float(np.mean((x @ model["weights"] + model["bias"] - y) ** 2))


def fit(
    model: dict[str, np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    steps: int,
    learning_rate: float,
) -> dict[str, np.ndarray]:
    """Gradient descent."""
    weights, bias = model["weights"].copy(), model["bias"].copy()
    for _ in range(steps):
        residual = x @ weights + bias - y
        weights -= learning_rate * 2 * x.T @ residual / len(y)
        bias -= learning_rate * 2 * residual.mean()
    return {"weights": weights, "bias": bias}
`;

const serverApp = (module: string) =>
  `\
"""Runs the rounds."""

from flwr.app import Array, ArrayRecord, Context, MetricRecord
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from ${module}.task import initial_model, load_data, loss

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Average what the nodes learn."""
    result = FedAvg().start(
        grid=grid,
        initial_arrays=ArrayRecord({k: Array(v) for k, v in initial_model().items()}),
        num_rounds=int(context.run_config["num-server-rounds"]),
        evaluate_fn=evaluate,
    )
    model = {key: array.numpy().round(3).tolist() for key, array in result.arrays.items()}
    print(f"The model: {model}", flush=True)


def evaluate(server_round: int, arrays: ArrayRecord) -> MetricRecord:
    """Measure the model on points that no node has."""
    model = {key: array.numpy() for key, array in arrays.items()}
    value = loss(model, *load_data(partition=10_000))
    print(f"Round {server_round}: loss {value:.6f}", flush=True)
    return MetricRecord({"loss": value})
`;

const clientApp = (module: string) =>
  `\
"""Trains and evaluates on the data of a node."""

from flwr.app import Array, ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from ${module}.task import fit, load_data, loss

app = ClientApp()


@app.train()
def train(message: Message, context: Context) -> Message:
    """Fit the model to this node's data."""
    x, y = load_data(int(context.node_config.get("partition-id", 0)))
    model = fit(
        read_model(message),
        x,
        y,
        steps=int(context.run_config["local-steps"]),
        learning_rate=float(context.run_config["learning-rate"]),
    )
    metrics = {"train-loss": loss(model, x, y), "num-examples": len(y)}
    content = {
        "arrays": ArrayRecord({key: Array(value) for key, value in model.items()}),
        "metrics": MetricRecord(metrics),
    }
    return Message(content=RecordDict(content), reply_to=message)


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    """Measure the model on this node's data."""
    x, y = load_data(int(context.node_config.get("partition-id", 0)))
    metrics = {"eval-loss": loss(read_model(message), x, y), "num-examples": len(y)}
    return Message(content=RecordDict({"metrics": MetricRecord(metrics)}), reply_to=message)


def read_model(message: Message) -> dict:
    """The model that the ServerApp sent."""
    return {key: array.numpy() for key, array in message.content["arrays"].items()}
`;
