"""The best documents of each query."""

from dataclasses import dataclass

import faiss
import numpy as np

from transliconet.errors import ConfigError, Option
from transliconet.model.token_vectors import TokenVectors
from transliconet.model.vectors import normalize
from transliconet.probe.maxsim import maxsim_blocks
from transliconet.probe.search import approximate_index, require_flat
from transliconet.probe.settings import Search

SIMILARITIES = ("cosine", "maxsim")
"""Others need as many queries as documents."""


@dataclass(frozen=True)
class Best:
    """The best documents of Q queries.

    Args:
        scores: (Q, K), in no order.
        positions: (Q, K) numbers of the documents; -1 where an approximate index found no more.
    """

    scores: np.ndarray
    positions: np.ndarray


def require_similarity(settings: Search) -> None:
    """Raise :class:`ConfigError` for a similarity that documents cannot be ranked by."""
    if settings.similarity not in SIMILARITIES:
        raise ConfigError(
            Option("similarity", settings.similarity),
            "it needs an answer for each query, and documents are other than the queries",
            f"Choose one of: {', '.join(SIMILARITIES)}",
            code="TLN-CONFIG-641",
        )
    require_flat(settings.similarity, settings.index)


class DocumentIndex:
    """Documents to be searched.

    Args:
        documents: (D, H), or for MaxSim the vectors of the tokens of D texts.
        index: ``flat``, ``hnsw`` or ``ivf``; see :class:`transliconet.probe.settings.Search`.
    """

    def __init__(self, documents: np.ndarray | TokenVectors, index: str = "flat") -> None:
        self.documents = documents
        self.approximate: faiss.Index | None = None
        if not isinstance(documents, TokenVectors):
            self.documents = normalize(documents)
            if index != "flat":
                self.approximate = approximate_index(index, self.documents)

    def search(self, queries: np.ndarray | TokenVectors, k: int) -> Best:
        """The ``k`` best documents of each query, or all where there are fewer.

        Args:
            queries: as the documents, of Q texts.
            k: number of documents.
        """
        k = min(k, len(self.documents))
        if isinstance(self.documents, TokenVectors):
            assert isinstance(queries, TokenVectors), "both sides have vectors of tokens"
            return self._search_tokens(queries, self.documents, k)
        assert isinstance(queries, np.ndarray), "both sides have one vector a text"
        queries = normalize(queries)
        if self.approximate is not None:
            return Best(*self.approximate.search(queries, k))
        # knn does not copy the documents, as an index would
        metric = faiss.METRIC_INNER_PRODUCT
        return Best(*faiss.knn(queries, self.documents, k, metric=metric))

    def _search_tokens(self, queries: TokenVectors, documents: TokenVectors, k: int) -> Best:
        best = Best(np.empty((len(queries), k)), np.empty((len(queries), k), np.int64))
        for numbers, scores in maxsim_blocks(queries, documents):
            nearest = np.argpartition(-scores, k - 1, axis=1)[:, :k]  # (q, k)
            best.positions[numbers] = nearest
            best.scores[numbers] = np.take_along_axis(scores, nearest, 1)
        return best
