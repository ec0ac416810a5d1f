"""Makes aggregation.json with Flower 1.25.0 and NumPy: run it with a Python that has both."""

import json

import numpy as np
from flwr.app import Array, ArrayRecord, MetricRecord, RecordDict
from flwr.serverapp.strategy.strategy_utils import (
    aggregate_arrayrecords,
    aggregate_metricrecords,
)

rng = np.random.default_rng(7)

DTYPES = [
    "float16", "float32", "float64", "int8", "int16", "int32", "int64",
    "uint8", "uint16", "uint32", "uint64", "bool",
]
SHAPES = [(), (0,), (7,), (3, 5), (2, 1, 3)]
WEIGHTS = [[1], [64, 64], [3, 10, 7], [1, 2, 3, 1000003], [0.25, 0.5], [0, 5]]


def draw(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.startswith("float"):
        values = np.asarray(rng.normal(0, 1, shape) * 10.0 ** rng.integers(-6, 4, shape))
        values = np.where(rng.random(shape) < 0.1, -0.0, values)
        return np.asarray(values.astype(dtype))
    info = np.iinfo(dtype)
    return np.asarray(rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True))


def shown(array: np.ndarray) -> dict:
    return {
        "dtype": str(array.dtype),
        "shape": list(array.shape),
        "data": np.ascontiguousarray(array).tobytes().hex(),
    }


cases = []
for dtype in DTYPES:
    for weights in WEIGHTS:
        shape = SHAPES[len(cases) % len(SHAPES)]
        arrays = [draw(dtype, shape) for _ in weights]
        metrics = [
            {
                "loss": float(rng.normal()),
                "steps": int(rng.integers(0, 1000)),
                "curve": [float(v) for v in rng.normal(size=3)],
            }
            for _ in weights
        ]
        records = [
            RecordDict(
                {
                    "arrays": ArrayRecord({"a": Array(array)}),
                    "metrics": MetricRecord({**metric, "num-examples": weight}),
                }
            )
            for array, metric, weight in zip(arrays, metrics, weights)
        ]
        result = aggregate_arrayrecords(records, "num-examples")["a"].numpy()
        cases.append(
            {
                "weights": weights,
                "arrays": [shown(array) for array in arrays],
                "metrics": metrics,
                "aggregatedArray": shown(result),
                "aggregatedMetrics": dict(aggregate_metricrecords(records, "num-examples")),
            }
        )

with open("aggregation.json", "w", encoding="utf-8") as file:
    file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
