"""Nearest-neighbour search with FAISS: the rank of each query's own answer."""

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np

from transliconet.errors import ConfigError, Option
from transliconet.model.token_vectors import TokenVectors
from transliconet.model.vectors import TIE, normalize
from transliconet.probe.alignment import csls_scores, margin_scores, ranks_of
from transliconet.probe.maxsim import maxsim_ranks

RECALL_QUERIES = 1000
"""Number of queries that are also searched exactly, to estimate an approximate index's recall."""
RECALL_DEPTH = 10
MAX_SCORE_MATRIX = 30_000
"""Largest number of candidates for margin and CSLS, which need all N × N scores at once."""
VECTORS_PER_CELL = 39
"""Number of vectors that FAISS asks for to train each cell of an IVF index."""


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
    # k ≤ number, but an approximate index may still find fewer and pad with -1
    scores, neighbours = index.search(queries, min(depth + 1, number))  # (N, k) each
    own_scores = np.einsum("nd,nd->n", queries, candidates)  # (N,)
    is_other = (neighbours >= 0) & (neighbours != np.arange(number)[:, None])  # (N, k)
    ahead = is_other & (scores >= own_scores[:, None] - TIE)  # (N, k)
    return np.minimum(1 + ahead.sum(1), depth + 1)


@dataclass(frozen=True)
class SearchResult:
    """Ranks of a search.

    Args:
        ranks: (N,) int64, from 1.
        recall: of an approximate index, the share of exact nearest neighbours that it finds.
    """

    ranks: np.ndarray
    recall: float | None = None


def search(
    queries: np.ndarray | TokenVectors,
    candidates: np.ndarray | TokenVectors,
    depth: int,
    similarity: str = "cosine",
    index: str = "flat",
) -> SearchResult:
    """:func:`gold_ranks` by other similarities, or from an approximate index.

    Args:
        queries: (N, D); for ``maxsim`` the vectors of the tokens of N texts.
        candidates: the same; row i is the answer to query i.
        depth: ranks beyond it are given as ``depth + 1``.
        similarity: ``cosine``; ``margin`` and ``csls``, which need all scores at once
            (:mod:`transliconet.probe.alignment`); or ``maxsim``
            (:mod:`transliconet.probe.maxsim`).
        index: ``flat`` (exact), ``hnsw`` or ``ivf``. An approximate index may miss candidates that
            are ahead, and so rank the answer too high.

    Raises:
        ConfigError: an approximate index with another similarity than the cosine, or too many
            candidates for one.
    """
    if isinstance(queries, TokenVectors) or isinstance(candidates, TokenVectors):
        assert isinstance(queries, TokenVectors), "both sides have vectors of tokens"
        assert isinstance(candidates, TokenVectors), "both sides have vectors of tokens"
        require_flat(similarity, index)
        return SearchResult(maxsim_ranks(queries, candidates, depth))
    if similarity != "cosine":
        _require_score_matrix(len(candidates), similarity, index)
        score_function = margin_scores if similarity == "margin" else csls_scores
        scores = score_function(queries, candidates)  # (N, N)
        return SearchResult(np.minimum(ranks_of(scores), depth + 1))
    if index == "flat":
        return SearchResult(gold_ranks(queries, candidates, depth))
    queries, candidates = normalize(queries), normalize(candidates)
    approximate = approximate_index(index, candidates)
    ranks = _ranks(approximate, queries, candidates, depth)
    return SearchResult(ranks, _recall(approximate, queries[:RECALL_QUERIES], candidates))


def require_flat(similarity: str, index: str) -> None:
    """Raise :class:`ConfigError` for an approximate index of another similarity than the cosine."""
    if index != "flat" and similarity != "cosine":
        raise ConfigError(
            Option("index", index),
            f"not with similarity={similarity}",
            "Take index=flat",
            code="TLN-CONFIG-601",
        )


def _require_score_matrix(number: int, similarity: str, index: str) -> None:
    require_flat(similarity, index)
    if number > MAX_SCORE_MATRIX:
        raise ConfigError(
            Option("similarity", similarity),
            f"{number} candidates, {MAX_SCORE_MATRIX} at most",
            "Take cosine",
            code="TLN-CONFIG-602",
        )


def _recall(approximate: faiss.Index, queries: np.ndarray, candidates: np.ndarray) -> float:
    """Share of the exact nearest neighbours of ``queries`` that an index finds."""
    exact = faiss.IndexFlatIP(candidates.shape[1])
    exact.add(candidates)
    k = min(RECALL_DEPTH, len(candidates))
    _, nearest = exact.search(queries, k)  # (Q, k)
    _, retrieved = approximate.search(queries, k)  # (Q, k)
    shared = [len(set(a) & set(b)) / k for a, b in zip(nearest, retrieved, strict=True)]
    return float(np.mean(shared))


def approximate_index(kind: str, candidates: np.ndarray) -> faiss.Index:
    """A FAISS index of (M, D) vectors of length 1 by their inner products: ``hnsw`` or ``ivf``."""
    width = candidates.shape[1]
    index: Any
    if kind == "hnsw":
        index = faiss.IndexHNSWFlat(width, 32, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction, index.hnsw.efSearch = 200, 256
    else:
        wanted = max(1, int(4 * len(candidates) ** 0.5))
        cells = min(wanted, max(1, len(candidates) // VECTORS_PER_CELL))
        quantizer = faiss.IndexFlatIP(width)
        index = faiss.IndexIVFFlat(quantizer, width, cells, faiss.METRIC_INNER_PRODUCT)
        index.train(candidates)
        index.nprobe = max(1, cells // 16)
    index.add(candidates)
    return index
