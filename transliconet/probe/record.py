"""The record of a retrieval task, and the metrics of its ranks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np

ACCURACY_DEPTHS = (1, 5, 10)
"""The k of the Acc@k that a record holds."""
NDCG, RECALL = "ndcg@10", "recall@100"
QUERY_SCORES = (NDCG, RECALL)
"""Metrics of documents that are kept for each query, beside the rank."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The outcome of each query of a retrieval task.

    Args:
        ids: (N,) of the queries; the answers and candidates have the same.
        ranks: (N,) of the right candidate, from 1; beyond a record's ``depth``, ``depth + 1``. Of
            documents, of the first relevant one.
        scores: name of a metric of :data:`QUERY_SCORES` → (N,) its values, of documents.
    """

    ids: Sequence[str]
    ranks: np.ndarray
    scores: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class RetrievalRecord:
    """One retrieval task and its scores.

    Args:
        language: the row of a table that it belongs to: the language that is not the pivot.
        task: the column, such as ``native→romanized``.
        source, source_view: language and view of the queries.
        target, target_view: language and view of the candidates.
        layer, pooling, similarity: how the vectors were made and compared.
        n: queries; where ``documents`` is None also candidates.
        acc: k → share of queries whose answer is among the first k.
        mrr: mean reciprocal rank; ranks beyond ``depth`` count 0.
        ci95: bootstrap 95 % interval of Acc@1 over queries.
        depth: ranks are exact down to here.
        metrics: of the paired vectors (:mod:`transliconet.probe.metrics`), by name.
        mrr_ci95: bootstrap 95 % interval of the MRR; None where it was not computed.
        sentences: digest of the ids and text of queries and candidates
            (:func:`transliconet.probe.outcomes.digest_of_sentences`); equal digests, equal task.
        outcomes: of each query; None where they were not kept.
        documents: number of candidates of document retrieval, in which a query may have several
            right ones; None where the candidates are the n answers.
        chance_levels: expected scores of a random ranking of the documents.
    """

    language: str
    task: str
    source: str
    target: str
    source_view: str
    target_view: str
    layer: int
    pooling: str
    similarity: str
    n: int
    acc: dict[int, float]
    mrr: float
    ci95: tuple[float, float]
    depth: int
    metrics: dict[str, float] = field(default_factory=dict)
    mrr_ci95: tuple[float, float] | None = None
    sentences: str = ""
    outcomes: Outcomes | None = field(default=None, compare=False, repr=False)
    documents: int | None = None
    chance_levels: Mapping[str, float] = field(default_factory=dict)

    @property
    def candidates(self) -> int:
        """Number of candidates."""
        return self.n if self.documents is None else self.documents

    @property
    def headline(self) -> float:
        """The score that sweeps and checkpoints go by: nDCG@10 of documents, otherwise Acc@1."""
        return self.acc[1] if self.documents is None else self.metrics[NDCG]

    @property
    def chance(self) -> dict[str, float]:
        """Expected ``acc@k`` and ``mrr`` of a random ranking of the candidates."""
        if self.documents is not None:
            return dict(self.chance_levels)
        ranks = np.arange(1, min(self.depth, self.n) + 1)
        chance = {f"acc@{k}": min(k / self.n, 1.0) for k in ACCURACY_DEPTHS}
        return {**chance, "mrr": float((1 / ranks).sum() / self.n)}

    def as_dict(self) -> dict[str, object]:
        """The record as results files hold it; its outcomes are in a file of their own."""
        content = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        del content["acc"], content["outcomes"], content["chance_levels"]
        if self.documents is None:
            del content["documents"]
        content["metrics"] = dict(self.metrics)
        for k in ACCURACY_DEPTHS:
            content[f"acc@{k}"] = self.acc[k]
        content["ci95"] = list(self.ci95)
        content["mrr_ci95"] = list(self.mrr_ci95) if self.mrr_ci95 else None
        return {**content, "chance": self.chance}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """A record of a results file.

        Raises:
            KeyError: an entry is missing.
            OverflowError: a number is too large.
            ValueError: an entry is of another type, or out of its range.
        """
        texts = {name: _text(content, name) for name in TEXT_FIELDS}
        mrr_ci95 = content.get("mrr_ci95")
        metrics = content.get("metrics", {})
        sentences = content.get("sentences", "")
        if not isinstance(sentences, str):
            raise ValueError("sentences is no text")
        if not isinstance(metrics, Mapping):
            raise ValueError("metrics is not a mapping")
        documents, chance_levels = None, {}
        if content.get("documents") is not None:
            documents = _whole(content, "documents", least=1)
            chance_levels = {str(k): _share(v, k) for k, v in content["chance"].items()}
            _share(metrics[NDCG], NDCG)
        return cls(
            **texts,
            layer=_whole(content, "layer", least=0),
            n=_whole(content, "n", least=1),
            acc={k: _share(content[f"acc@{k}"], f"acc@{k}") for k in ACCURACY_DEPTHS},
            mrr=_share(content["mrr"], "mrr"),
            ci95=_interval(content["ci95"], "ci95"),
            depth=_whole(content, "depth", least=1),
            metrics={str(name): _number(value, name) for name, value in metrics.items()},
            mrr_ci95=None if mrr_ci95 is None else _interval(mrr_ci95, "mrr_ci95"),
            sentences=sentences,
            outcomes=None,
            documents=documents,
            chance_levels=chance_levels,
        )


TEXT_FIELDS = (
    *("language", "task", "source", "target", "source_view", "target_view"),
    *("pooling", "similarity"),
)
MOST_QUERIES = 10**9
"""A larger number in a results file is damage."""


def _text(content: Mapping[str, Any], name: str) -> str:
    value = content[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value


def _whole(content: Mapping[str, Any], name: str, least: int) -> int:
    value = content[name]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST_QUERIES:
        raise ValueError(f"{name} is not a whole number from {least} on")
    return value


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is not a number")
    return float(value)


def _share(value: object, name: str) -> float:
    number = _number(value, name)
    if not 0 <= number <= 1:
        raise ValueError(f"{name} is not between 0 and 1")
    return number


def _interval(value: object, name: str) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"{name} is not two numbers")
    return _share(value[0], name), _share(value[1], name)


def rank_scores(ranks: np.ndarray, depth: int, seed: int) -> dict[str, Any]:
    """The fields of a :class:`RetrievalRecord` that follow from the ranks.

    Args:
        ranks: (N,) from 1; beyond ``depth``, ``depth + 1``.
        depth: deeper ranks count 0 in the MRR.
        seed: of the bootstrap.
    """
    return {
        "n": len(ranks),
        "acc": {k: accuracy(ranks, k) for k in ACCURACY_DEPTHS},
        "mrr": mean_reciprocal_rank(ranks, depth),
        "ci95": bootstrap_ci95(ranks <= 1, seed),
        "depth": depth,
        "mrr_ci95": bootstrap_ci95(reciprocal_ranks(ranks, depth), seed),
    }


def accuracy(ranks: np.ndarray, k: int) -> float:
    """Acc@k: share of ranks ≤ k."""
    return float((ranks <= k).mean())


def reciprocal_ranks(ranks: np.ndarray, depth: int) -> np.ndarray:
    """1 / rank, 0 beyond ``depth``."""
    return np.where(ranks <= depth, 1 / ranks, 0.0)


def mean_reciprocal_rank(ranks: np.ndarray, depth: int) -> float:
    """MRR, ranks beyond ``depth`` counting 0."""
    return float(reciprocal_ranks(ranks, depth).mean())


def bootstrap_ci95(values: np.ndarray, seed: int = 0, samples: int = 2000) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean of ``values``.

    Hits and reciprocal ranks have few distinct values. Drawing n values with replacement is a
    multinomial draw of how often each distinct one comes, so no resampling loop is needed.

    Args:
        values: (N,).
        seed: of the draws.
        samples: number of bootstrap samples.
    """
    distinct, counts = np.unique(np.asarray(values, dtype=float), return_counts=True)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(values), counts / len(values), samples)  # (samples, distinct)
    means = drawn @ distinct / len(values)  # (samples,)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
