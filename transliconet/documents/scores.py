"""The scores of the queries of one task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from transliconet.documents.metrics import (
    RECALL_DEPTH,
    first_ranks,
    ndcg,
    ranked_grades,
    recall,
)
from transliconet.documents.search import Best
from transliconet.probe.record import NDCG, RECALL, Outcomes, mean_reciprocal_rank

OF_NATIVE = "_of_native"
"""Ends the name of a metric that is divided by that of the native queries."""


def documents_to_search(depth: int, judged: np.ndarray) -> int:
    """How many documents of a query decide its scores exactly.

    Ties count against the model, and a search returns any of the documents with equal scores. With
    as many more as a query has relevant ones, those that are not relevant fill all ranks that
    count.

    Args:
        depth: of the MRR.
        judged: (Q, R) grades of all relevant documents.
    """
    return max(depth, RECALL_DEPTH) + judged.shape[1]


@dataclass(frozen=True)
class QueryScores:
    """What each of Q queries has found.

    Args:
        ids: of the queries.
        ranks: (Q,) rank of the first relevant document; ``depth + 1`` beyond the depth.
        ndcg: (Q,) nDCG@10.
        recall: (Q,) recall@100.
        depth: deeper ranks count 0 in the MRR.
    """

    ids: Sequence[str]
    ranks: np.ndarray
    ndcg: np.ndarray
    recall: np.ndarray
    depth: int

    @classmethod
    def from_best(
        cls,
        ids: Sequence[str],
        best: Best,
        relevant: Sequence[Mapping[int, float]],
        judged: np.ndarray,
        depth: int,
    ) -> "QueryScores":
        """Score the best documents of Q queries.

        Args:
            ids: of the queries.
            best: see :func:`documents_to_search` for their number.
            relevant: number of a document → grade, for each query.
            judged: (Q, R) the grades of each query in descending order, filled up with 0.
            depth: see :class:`QueryScores`.
        """
        rows = zip(best.scores, best.positions, relevant, strict=True)
        grades = np.stack([ranked_grades(*row) for row in rows])  # (Q, K)
        return cls(
            ids=ids,
            ranks=first_ranks(grades, depth),
            ndcg=ndcg(grades, judged),
            recall=recall(grades, judged),
            depth=depth,
        )

    @property
    def outcomes(self) -> Outcomes:
        """What a record keeps of each query."""
        return Outcomes(self.ids, self.ranks, {NDCG: self.ndcg, RECALL: self.recall})

    def means(self) -> dict[str, float]:
        """The mean nDCG@10, recall@100 and MRR."""
        return {
            NDCG: float(self.ndcg.mean()),
            RECALL: float(self.recall.mean()),
            "mrr": mean_reciprocal_rank(self.ranks, self.depth),
        }

    def of_queries(self, ids: Sequence[str]) -> "QueryScores":
        """The scores of some of the queries."""
        places = dict(zip(self.ids, range(len(self.ids)), strict=True))
        rows = [places[id_] for id_ in ids]
        return QueryScores(
            ids, self.ranks[rows], self.ndcg[rows], recall=self.recall[rows], depth=self.depth
        )

    def relative_to(self, native: "QueryScores") -> dict[str, float]:
        """The means, divided by those of native text on the same queries; one that is 0 there has
        no such share.
        """
        shares = {}
        of_native = native.of_queries(self.ids).means()
        for name, mean in self.means().items():
            if of_native[name] > 0:
                shares[f"{name}{OF_NATIVE}"] = mean / of_native[name]
        return shares
