"""Metrics of ranked documents: pure functions of the grades that a ranking has from top to bottom.

A *grade* is how relevant a document is to a query: 0 is not at all, and many collections know only
0 and 1. ``grades`` is (Q, K): the grade of the document at each of the first K ranks of Q queries.
``judged`` is (Q, R): the grades of all documents that are relevant to a query, in descending order,
filled up with 0.
"""

from collections.abc import Mapping

import numpy as np

from transliconet.model.vectors import TIE
from transliconet.probe.record import ACCURACY_DEPTHS, NDCG, RECALL

NDCG_DEPTH, RECALL_DEPTH = 10, 100


def ranked_grades(
    scores: np.ndarray, positions: np.ndarray, relevant: Mapping[int, float]
) -> np.ndarray:
    """The grades of one query's documents, from the first rank to the last.

    **Ties count against the model**: of documents with equal scores (up to
    :data:`transliconet.model.vectors.TIE`), those that are not relevant rank first.

    Args:
        scores: (K,) of the best documents, in any order.
        positions: (K,) their numbers in the collection; -1 where a search found no more.
        relevant: number of a document → its grade, above 0.

    Returns:
        (K,) float64.
    """
    grades = np.array([relevant.get(number, 0.0) for number in positions.tolist()])  # (K,)
    lowered = scores.astype(np.float64) - TIE * (grades > 0)
    lowered[positions < 0] = -np.inf
    order = np.lexsort((grades, -lowered))  # by score, then the lower grade first
    return np.asarray(grades[order])


def dcg(grades: np.ndarray, k: int) -> np.ndarray:
    r"""Discounted cumulative gain (Järvelin & Kekäläinen, 2002), with the grade itself as gain, as
    trec_eval has it.

    .. math:: \mathrm{DCG@}k = \sum_{r=1}^{k} \frac{g_r}{\log_2(r + 1)}

    Returns:
        (Q,) float64.
    """
    first = grades[:, :k]
    discounts = 1 / np.log2(np.arange(2, first.shape[1] + 2))  # (k,)
    return np.asarray(first @ discounts)


def ndcg(grades: np.ndarray, judged: np.ndarray, k: int = NDCG_DEPTH) -> np.ndarray:
    """DCG@k, divided by that of the best possible ranking.

    >>> ndcg(np.array([[0.0, 1.0]]), np.array([[1.0]])).round(4).tolist()
    [0.6309]

    Args:
        grades: (Q, K).
        judged: (Q, R); each query has a relevant document.
        k: ranks that count.

    Returns:
        (Q,) in 0 … 1.
    """
    return np.asarray(dcg(grades, k) / dcg(judged, k))


def recall(grades: np.ndarray, judged: np.ndarray, k: int = RECALL_DEPTH) -> np.ndarray:
    """Share of a query's relevant documents that are among the first ``k``.

    Args:
        grades: (Q, K).
        judged: (Q, R); each query has a relevant document.
        k: ranks that count.

    Returns:
        (Q,) in 0 … 1.
    """
    found = (grades[:, :k] > 0).sum(1)  # (Q,)
    return np.asarray(found / (judged > 0).sum(1))


def first_ranks(grades: np.ndarray, depth: int) -> np.ndarray:
    """The rank of the first relevant document, from 1; ``depth + 1`` where the first ``depth``
    have none.

    Returns:
        (Q,) int64.
    """
    relevant = grades[:, :depth] > 0  # (Q, depth)
    return np.where(relevant.any(1), relevant.argmax(1) + 1, depth + 1)


def chance_levels(judged: np.ndarray, documents: int, depth: int) -> dict[str, float]:
    r"""What a random order of the documents is expected to reach.

    With R relevant ones among D documents, none of the first k is relevant with the probability

    .. math:: P(r > k) = \prod_{i=0}^{k-1} \frac{D - R - i}{D - i}

    Args:
        judged: (Q, R).
        documents: D.
        depth: ranks beyond it count 0 in the MRR.

    Returns:
        ``acc@1``, ``acc@5``, ``acc@10``, ``mrr``, ``ndcg@10`` and ``recall@100``, means over the
        queries.
    """
    relevant = (judged > 0).sum(1)[:, None]  # (Q, 1)
    deepest = min(max(depth, *ACCURACY_DEPTHS), documents)
    drawn = np.arange(deepest)  # (k,) documents before each rank
    without = np.clip(documents - relevant - drawn, 0, None) / (documents - drawn)  # (Q, k)
    none_until = np.cumprod(without, 1)  # (Q, k) P(r > 1), P(r > 2), …
    first = -np.diff(none_until, axis=1, prepend=1.0)  # (Q, k) P(r = 1), P(r = 2), …
    chance = {}
    for k in ACCURACY_DEPTHS:
        chance[f"acc@{k}"] = float(first[:, :k].sum(1).mean())
    in_depth = first[:, :depth]
    chance["mrr"] = float((in_depth / np.arange(1, in_depth.shape[1] + 1)).sum(1).mean())
    # each rank has the mean grade
    mean_grades = judged.sum(1, keepdims=True) / documents  # (Q, 1)
    expected = np.repeat(mean_grades, min(NDCG_DEPTH, documents), axis=1)  # (Q, 10)
    chance[NDCG] = float(ndcg(expected, judged).mean())
    chance[RECALL] = min(RECALL_DEPTH / documents, 1.0)
    return chance
