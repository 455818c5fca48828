"""Vectors of length 1, and when two cosines count as one."""

import numpy as np

from transliconet.errors import DataError

TIE = 1e-6
"""Cosines closer than this are a tie: float32 does not tell them apart across batch shapes."""


def normalize(vectors: np.ndarray) -> np.ndarray:
    """(N, D) float32 rows scaled to length 1; a zero row stays zero.

    Raises:
        DataError: a value is NaN or infinite.
    """
    if not np.isfinite(vectors).all():
        raise DataError(
            "embeddings",
            "NaN or infinite values",
            "Check the model that made them",
            code="TLN-DATA-401",
        )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)
