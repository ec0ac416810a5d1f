"""Has Python programs write a trace of the gRPC calls that they make.

Python imports this module by itself when its folder is on PYTHONPATH.
"""

import json
import os
import time

TRACE = os.environ.get("TRELLIS_TRACE")


def trace_calls() -> None:
    """Wrap what grpc makes of a method's path."""
    from grpc._channel import _UnaryUnaryMultiCallable as Callable

    file = os.open(TRACE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def traced(call):
        def wrapper(self, request, *args, **kwargs):
            start = time.time()
            answer = None
            try:
                answer = call(self, request, *args, **kwargs)
                return answer
            finally:
                end = time.time()
                message = answer[0] if isinstance(answer, tuple) else answer
                _, service, method = self._method.decode().split("/")
                line = {
                    "side": "client",
                    "pid": os.getpid(),
                    "service": service.rsplit(".", 1)[-1],
                    "method": method,
                    "startMs": start * 1000,
                    "endMs": end * 1000,
                    "nodeId": str(request.node.node_id if hasattr(request, "node") else 0),
                    "messages": len(getattr(message, "messages_list", ())),
                }
                os.write(file, json.dumps(line).encode() + b"\n")

        return wrapper

    Callable.__call__ = traced(Callable.__call__)
    Callable.with_call = traced(Callable.with_call)


if TRACE:
    try:
        trace_calls()
    except ImportError:
        pass
