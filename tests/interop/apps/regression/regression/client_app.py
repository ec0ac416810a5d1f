"""ClientApp: trains and evaluates on the data of its node's partition."""

import numpy as np
from flwr.app import Array, ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from regression.model import SAMPLES, fit, mean_squared_error

app = ClientApp()


def read_parameters(message: Message) -> np.ndarray:
    """The model that came with the message."""
    return message.content["arrays"]["line"].numpy()


@app.train()
def train(message: Message, context: Context) -> Message:
    """Fit the model, and count the rounds in the state."""
    partition = int(context.node_config["partition-id"])
    parameters = fit(
        read_parameters(message),
        partition,
        int(context.run_config["local-epochs"]),
        float(context.run_config["learning-rate"]),
    )
    counter = context.state.get("counter") or MetricRecord({"fits": 0})
    counter["fits"] = int(counter["fits"]) + 1
    context.state["counter"] = counter
    metrics = MetricRecord(
        {
            "train-loss": mean_squared_error(parameters, partition),
            "fits": counter["fits"],
            "num-examples": SAMPLES,
        }
    )
    arrays = ArrayRecord({"line": Array(parameters)})
    content = RecordDict({"arrays": arrays, "metrics": metrics})
    return Message(content=content, reply_to=message)


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    """Measure the model."""
    partition = int(context.node_config["partition-id"])
    loss = mean_squared_error(read_parameters(message), partition)
    metrics = MetricRecord({"eval-loss": loss, "num-examples": SAMPLES})
    return Message(content=RecordDict({"metrics": metrics}), reply_to=message)
