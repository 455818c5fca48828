"""Nearest neighbours through FAISS, and the rank of each query's own answer."""

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np

from transliconet.errors import ConfigError
from transliconet.model.vectors import TIE, normalize
from transliconet.probe.alignment import csls_scores, margin_scores, ranks_of

SIMILARITIES = ("cosine", "margin", "csls")
INDEXES = ("flat", "hnsw", "ivf")
SAMPLED = 1000
"""Queries whose neighbours are also searched exactly, to tell an approximate index's recall."""
WHOLE = 30_000
"""Candidates up to which margin and CSLS hold all scores at once."""


def gold_ranks(queries: np.ndarray, candidates: np.ndarray, depth: int) -> np.ndarray:
    """The rank of each query's own candidate, by cosine, exact down to ``depth``.

    Row ``i`` of ``candidates`` is the answer to row ``i`` of ``queries``. **Ties count against the
    model**: the rank is 1 + the number of other candidates whose cosine is at least that of the
    answer (up to :data:`TIE`). A model that puts everything in one place therefore scores 0, not 1.

    Args:
        queries: (N, D).
        candidates: (N, D).
        depth: ranks beyond it are given as ``depth + 1``.

    Returns:
        (N,) int64 ranks from 1.
    """
    queries, candidates = normalize(queries), normalize(candidates)
    index = faiss.IndexFlatIP(candidates.shape[1])
    index.add(candidates)
    return _ranks(index, queries, candidates, depth)


def _ranks(
    index: faiss.Index, queries: np.ndarray, candidates: np.ndarray, depth: int
) -> np.ndarray:
    number = len(candidates)
    scores, found = index.search(queries, min(depth + 1, number))
    own = np.einsum("nd,nd->n", queries, candidates)
    others_ahead = (
        (found >= 0) & (found != np.arange(number)[:, None]) & (scores >= own[:, None] - TIE)
    )
    return np.minimum(1 + others_ahead.sum(1), depth + 1)


@dataclass(frozen=True)
class SearchResult:
    """Ranks (N,), and for an approximate index its recall: the share of exact nearest neighbours
    that it finds.
    """

    ranks: np.ndarray
    recall: float | None = None


def search(
    queries: np.ndarray,
    candidates: np.ndarray,
    depth: int,
    similarity: str = "cosine",
    index: str = "flat",
) -> SearchResult:
    """:func:`gold_ranks` by other similarities, or from an approximate index.

    Args:
        queries, candidates, depth: see :func:`gold_ranks`.
        similarity: ``cosine``; ``margin`` and ``csls`` look at all scores at once, see
            :mod:`transliconet.probe.alignment`.
        index: ``flat`` (exact), ``hnsw`` or ``ivf``; an approximate one may miss candidates that
            are ahead, and so rank the answer too high.

    Raises:
        ConfigError: an approximate index with another similarity than the cosine, or too many
            candidates for one.
    """
    if similarity != "cosine":
        if index != "flat":
            raise ConfigError(
                f"probe.index={index}",
                f"not with probe.similarity={similarity}",
                "Take index=flat",
                code="TLN-CONFIG-601",
            )
        if len(candidates) > WHOLE:
            raise ConfigError(
                f"probe.similarity={similarity}",
                f"{len(candidates)} candidates, {WHOLE} at most",
                "Take cosine",
                code="TLN-CONFIG-602",
            )
        scores = (margin_scores if similarity == "margin" else csls_scores)(queries, candidates)
        return SearchResult(np.minimum(ranks_of(scores), depth + 1))
    if index == "flat":
        return SearchResult(gold_ranks(queries, candidates, depth))
    queries, candidates = normalize(queries), normalize(candidates)
    approximate, exact = _approximate(index, candidates), faiss.IndexFlatIP(candidates.shape[1])
    exact.add(candidates)
    sample, k = queries[:SAMPLED], min(10, len(candidates))
    nearest, also = (i.search(sample, k)[1] for i in (exact, approximate))
    shared = np.mean([len(set(a) & set(b)) / k for a, b in zip(nearest, also, strict=True)])
    return SearchResult(_ranks(approximate, queries, candidates, depth), float(shared))


def _approximate(kind: str, candidates: np.ndarray) -> faiss.Index:
    width = candidates.shape[1]
    index: Any
    if kind == "hnsw":
        index = faiss.IndexHNSWFlat(width, 32, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction, index.hnsw.efSearch = 200, 256
    else:
        cells = max(1, int(4 * len(candidates) ** 0.5))
        cells = min(cells, max(1, len(candidates) // 39))  # FAISS wants 39 vectors to train a cell
        index = faiss.IndexIVFFlat(
            faiss.IndexFlatIP(width), width, cells, faiss.METRIC_INNER_PRODUCT
        )
        index.train(candidates)
        index.nprobe = max(1, cells // 16)
    index.add(candidates)
    return index
