"""ClientApp: trains and evaluates on the flowers of this node's partition."""

import numpy as np
from flwr.app import Array, ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from model import fit, measure, partition

app = ClientApp()


def local_flowers(context: Context) -> tuple[np.ndarray, np.ndarray]:
    """The flowers of this node, for training and for evaluation."""
    return partition(
        int(context.node_config.get("partition-id", 0)),
        int(context.node_config.get("num-partitions", 1)),
    )


def read_parameters(message: Message) -> tuple[np.ndarray, np.ndarray]:
    """The model that the ServerApp sent."""
    arrays = message.content["arrays"]
    return arrays["weights"].numpy(), arrays["bias"].numpy()


@app.train()
def train(message: Message, context: Context) -> Message:
    """Fit the received model and send the new parameters back."""
    flowers, _ = local_flowers(context)
    weights, bias = fit(
        *read_parameters(message),
        flowers,
        int(context.run_config["local-epochs"]),
        float(context.run_config["learning-rate"]),
    )
    loss, _ = measure(weights, bias, flowers)
    reply = RecordDict(
        {
            "arrays": ArrayRecord({"weights": Array(weights), "bias": Array(bias)}),
            "metrics": MetricRecord({"train-loss": loss, "num-examples": len(flowers)}),
        }
    )
    return Message(content=reply, reply_to=message)


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    """Measure the received model on flowers that it was not trained on."""
    _, flowers = local_flowers(context)
    loss, accuracy = measure(*read_parameters(message), flowers)
    metrics = MetricRecord(
        {"eval-loss": loss, "accuracy": accuracy, "num-examples": len(flowers)}
    )
    return Message(content=RecordDict({"metrics": metrics}), reply_to=message)
