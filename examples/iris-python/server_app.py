"""ServerApp: runs FedAvg for a few rounds and prints what came out."""

import numpy as np
from flwr.app import Array, ArrayRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from model import FEATURES, SPECIES

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Run the rounds."""
    min_nodes = int(context.run_config["min-nodes"])
    strategy = FedAvg(
        min_train_nodes=min_nodes,
        min_evaluate_nodes=min_nodes,
        min_available_nodes=min_nodes,
    )
    result = strategy.start(
        grid=grid,
        initial_arrays=ArrayRecord(
            {
                "weights": Array(np.zeros((FEATURES, SPECIES))),
                "bias": Array(np.zeros(SPECIES)),
            }
        ),
        num_rounds=int(context.run_config["num-server-rounds"]),
    )

    for server_round, trained in result.train_metrics_clientapp.items():
        evaluated = result.evaluate_metrics_clientapp[server_round]
        print(
            f"RESULT round={server_round}"
            f" train-loss={trained['train-loss']:.8f}"
            f" eval-loss={evaluated['eval-loss']:.8f}"
            f" accuracy={evaluated['accuracy']:.4f}",
            flush=True,
        )
