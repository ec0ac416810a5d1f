"""ServerApp: sends a large array and prints whether what arrived is what was sent, both ways."""

import time

import numpy as np
from flwr.app import Array, ArrayRecord, Context, Message, RecordDict
from flwr.serverapp import Grid, ServerApp

from large_array.digest import digest

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Ask one node."""
    count = int(context.run_config["size-bytes"]) // 8
    # Nothing repeats, so that no two chunks are the same object.
    array = np.random.default_rng(1).integers(2**63, size=count)
    while not (node_ids := list(grid.get_node_ids())):
        time.sleep(0.1)
    instruction = Message(
        content=RecordDict({"arrays": ArrayRecord({"large": Array(array)})}),
        dst_node_id=node_ids[0],
        message_type="train",
    )
    [reply] = grid.send_and_receive([instruction])
    digests = reply.content["digests"]
    received = reply.content["arrays"]["large"].numpy()
    there = digests["received"] == digest(array)
    back = digests["sent"] == digest(received) and np.array_equal(received, ~array)
    print(f"INTACT there={there} back={back} bytes={received.nbytes}", flush=True)
