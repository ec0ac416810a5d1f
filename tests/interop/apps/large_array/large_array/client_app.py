"""ClientApp: says which array has come, and sends another one of the same size."""

from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp

from large_array.digest import digest

app = ClientApp()


@app.train()
def train(message: Message, context: Context) -> Message:
    """Send the array back with every bit turned over."""
    received = message.content["arrays"]["large"].numpy()
    sent = ~received
    content = RecordDict(
        {
            "arrays": ArrayRecord({"large": Array(sent)}),
            "digests": ConfigRecord({"received": digest(received), "sent": digest(sent)}),
        }
    )
    return Message(content=content, reply_to=message)
