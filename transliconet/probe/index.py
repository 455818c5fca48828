"""Exact nearest neighbours by cosine, through FAISS."""

import faiss
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
        raise DataError("embeddings", "NaN or infinite values", "Check the model that made them")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def gold_ranks(queries: np.ndarray, candidates: np.ndarray, depth: int) -> np.ndarray:
    """The rank of each query's own candidate, by cosine, exact down to ``depth``.

    Row ``i`` of ``candidates`` is the answer to row ``i`` of ``queries``. **Ties count against the model**: the rank
    is 1 + the number of other candidates whose cosine is at least that of the answer (up to :data:`TIE`). A model that
    puts everything in one place therefore scores 0, not 1.

    Args:
        queries: (N, D).
        candidates: (N, D).
        depth: ranks beyond it are given as ``depth + 1``.

    Returns:
        (N,) int64 ranks from 1.
    """
    queries, candidates = normalize(queries), normalize(candidates)
    number = len(candidates)
    index = faiss.IndexFlatIP(candidates.shape[1])
    index.add(candidates)
    scores, found = index.search(queries, min(depth + 1, number))
    own = np.einsum("nd,nd->n", queries, candidates)
    others_ahead = (found != np.arange(number)[:, None]) & (scores >= own[:, None] - TIE)
    return np.minimum(1 + others_ahead.sum(1), depth + 1)
