"""Late interaction: every token of a query looks for its nearest token in a document."""

from collections.abc import Iterator

import numpy as np

from transliconet.model.token_vectors import TokenVectors
from transliconet.model.vectors import TIE

MOST_COSINES = 1 << 23
"""Cosines of tokens that are in memory at a time: 32 MiB."""


def maxsim(queries: TokenVectors, documents: TokenVectors) -> np.ndarray:
    r"""MaxSim of all queries and documents (Khattab & Zaharia, 2020, ColBERT, equation 3; across
    languages: Louis et al., 2024, arXiv 2402.15059).

    .. math:: s(q, d) = \frac{1}{|q|} \sum_{i \in q} \max_{j \in d} \cos(q_i, d_j)

    ColBERT has the sum; divided by the number of the query's tokens it ranks the same, and is a
    cosine again.

    Args:
        queries: of Q texts.
        documents: of D texts.

    Returns:
        (Q, D) float32.
    """
    return np.concatenate([scores for _, scores in maxsim_blocks(queries, documents)])


def maxsim_blocks(
    queries: TokenVectors, documents: TokenVectors
) -> Iterator[tuple[slice, np.ndarray]]:
    """:func:`maxsim` of some queries at a time.

    At most :data:`MOST_COSINES` cosines of tokens are in memory, or those of one query and one
    document, and the scores of one block.

    Returns:
        An iterator over the numbers of q queries and their (q, D) float32 scores.
    """
    # as many query tokens as document tokens make the products large and square
    side = int(MOST_COSINES**0.5)
    document_blocks = list(_blocks(documents, side))
    for start, end in _blocks(queries, side):
        block = queries.between(start, end)
        scores = np.empty((end - start, len(documents)), dtype=np.float32)  # (q, D)
        for first, last in document_blocks:
            candidates = documents.between(first, last)
            cosines = block.values @ candidates.values.T  # (tokens of queries, of documents)
            nearest = np.maximum.reduceat(cosines, candidates.offsets[:-1], axis=1)  # (t, d)
            sums = np.add.reduceat(nearest, block.offsets[:-1], axis=0)  # (q, d)
            scores[:, first:last] = sums / block.lengths[:, None]
        yield slice(start, end), scores


def maxsim_ranks(queries: TokenVectors, candidates: TokenVectors, depth: int) -> np.ndarray:
    """The rank of each query's own candidate by MaxSim, exact down to ``depth``; ties count
    against it, as in :func:`transliconet.probe.search.gold_ranks`.

    Args:
        queries: of N texts.
        candidates: of N texts; text ``i`` is the answer to query ``i``.
        depth: ranks beyond it are given as ``depth + 1``.

    Returns:
        (N,) int64 ranks from 1.
    """
    ranks = np.empty(len(queries), dtype=np.int64)
    for numbers, scores in maxsim_blocks(queries, candidates):
        rows = np.arange(len(scores))
        own = scores[rows, rows + numbers.start][:, None]  # (q, 1)
        ahead = scores >= own - TIE  # (q, N)
        ahead[rows, rows + numbers.start] = False
        ranks[numbers] = 1 + ahead.sum(1)
    return np.minimum(ranks, depth + 1)


def _blocks(texts: TokenVectors, most: int) -> Iterator[tuple[int, int]]:
    """Beginnings and ends of runs of texts with at most so many tokens together, or one text."""
    start = 0
    while start < len(texts):
        limit = texts.offsets[start] + most
        end = int(np.searchsorted(texts.offsets, limit, side="right")) - 1
        end = min(max(end, start + 1), len(texts))
        yield start, end
        start = end
