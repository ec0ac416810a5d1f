"""ServerApp: runs FedAvg and prints what came out, to the last digit."""

import numpy as np
from flwr.app import Array, ArrayRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Run the rounds."""
    num_nodes = int(context.run_config["num-nodes"])
    strategy = FedAvg(
        min_train_nodes=num_nodes,
        min_evaluate_nodes=num_nodes,
        min_available_nodes=num_nodes,
    )
    result = strategy.start(
        grid=grid,
        initial_arrays=ArrayRecord({"line": Array(np.zeros(2))}),
        num_rounds=int(context.run_config["num-server-rounds"]),
    )
    last = max(result.train_metrics_clientapp)
    trained = result.train_metrics_clientapp[last]
    evaluated = result.evaluate_metrics_clientapp[last]
    print(
        f"FINAL rounds={last} fits={trained['fits']}"
        f" train-loss={trained['train-loss']!r}"
        f" eval-loss={evaluated['eval-loss']!r}"
        f" line={result.arrays['line'].numpy().tolist()}",
        flush=True,
    )
