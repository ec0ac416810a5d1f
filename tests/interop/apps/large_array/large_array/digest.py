"""What is compared of arrays."""

import hashlib

import numpy as np


def digest(array: np.ndarray) -> str:
    """SHA-256 of an array's bytes."""
    return hashlib.sha256(memoryview(array).cast("B")).hexdigest()
