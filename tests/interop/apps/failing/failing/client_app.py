"""ClientApp: does what the config says, and tells when, because the test wants to know how long
others take to notice."""

import os
import signal
import time

from flwr.app import Context, Message, RecordDict
from flwr.clientapp import ClientApp

app = ClientApp()


@app.train()
def train(message: Message, context: Context) -> Message:
    """Answer, or do not."""
    failure = context.run_config["client"]
    print(f"CLIENT {failure} at={time.time():.3f}", flush=True)
    if failure == "raises":
        raise ValueError("the data is not there")
    if failure == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)
    while failure == "never returns":
        time.sleep(1)
    return Message(content=RecordDict(), reply_to=message)
