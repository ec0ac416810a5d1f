"""ServerApp: does what the config says; fails with what the ClientApp says when that fails."""

import os
import signal
import time

from flwr.app import Context, Message, RecordDict
from flwr.serverapp import Grid, ServerApp

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Ask one node."""
    failure = context.run_config["server"]
    if failure == "raises":
        raise ValueError("the model is broken")
    if failure == "raises RuntimeError":
        raise RuntimeError("the strategy is broken")
    if failure == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)
    print("SERVER waits for a node", flush=True)
    while not (node_ids := list(grid.get_node_ids())):
        time.sleep(0.1)
    instruction = Message(
        content=RecordDict(), dst_node_id=node_ids[0], message_type="train"
    )
    for reply in grid.send_and_receive([instruction]):
        print(f"SERVER heard at={time.time():.3f}", flush=True)
        if reply.has_error():
            raise ValueError(f"code {reply.error.code}: {reply.error.reason}")
    print("SERVER is content", flush=True)
