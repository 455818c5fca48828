"""Vectors of length 1, and when two cosines count as equal."""

import numpy as np

from transliconet.errors import DataError

TIE = 1e-6
"""Cosines that differ by less are a tie. Rounding in float32 changes a cosine by as much when the
same vectors are computed in batches of another shape.
"""


def normalize(vectors: np.ndarray) -> np.ndarray:
    """Scale rows to length 1, so that inner products are cosines. A row of zeros stays as it is.

    Args:
        vectors: (N, D), of any floating-point type.

    Returns:
        (N, D) float32.

    Raises:
        DataError: a value is NaN or infinite.

    >>> normalize(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]], dtype=float32)
    """
    if not np.isfinite(vectors).all():
        raise DataError(
            "embeddings",
            "NaN or infinite values",
            "Check the model that made them",
            code="TLN-DATA-401",
        )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)  # (N, 1)
    return np.ascontiguousarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)
