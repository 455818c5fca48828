"""What a retrieval task gave, and the metrics that sum up its ranks."""

from dataclasses import asdict, dataclass, field

import numpy as np

KS = (1, 5, 10)


@dataclass(frozen=True)
class RetrievalRecord:
    """One retrieval task and how it went.

    ``language`` is the row it belongs to in a table (the one that is not the pivot), ``task`` the
    column. ``acc`` maps k to the share of queries whose answer is among the first k; ``mrr`` is the
    mean reciprocal rank, ranks beyond ``depth`` counting 0; ``ci95`` and ``mrr_ci95`` are the
    bootstrap intervals of Acc@1 and MRR over queries (the latter None in results of older
    versions). Chance is what a random order would give. ``measures`` are those of
    :func:`transliconet.probe.measures.measures_of`.
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
    measures: dict[str, float] = field(default_factory=dict)
    mrr_ci95: tuple[float, float] | None = None

    @property
    def chance(self) -> dict[str, float]:
        """Expected ``acc@k`` and ``mrr`` of a random ranking of ``n`` candidates."""
        ranks = np.arange(1, min(self.depth, self.n) + 1)
        return {
            **{f"acc@{k}": min(k / self.n, 1.0) for k in KS},
            "mrr": float((1 / ranks).sum() / self.n),
        }

    def as_dict(self) -> dict[str, object]:
        """The record as results files hold it."""
        plain = asdict(self)
        acc = plain.pop("acc")
        intervals = {
            "ci95": list(self.ci95),
            "mrr_ci95": list(self.mrr_ci95) if self.mrr_ci95 else None,
        }
        return {**plain, **{f"acc@{k}": acc[k] for k in KS}, **intervals, "chance": self.chance}

    @classmethod
    def from_dict(cls, record: dict) -> "RetrievalRecord":
        values = {k: v for k, v in record.items() if k in cls.__dataclass_fields__}
        intervals = {k: tuple(record[k]) for k in ("ci95", "mrr_ci95") if record.get(k)}
        return cls(**{**values, "acc": {k: record[f"acc@{k}"] for k in KS}, **intervals})


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
    """95 % percentile bootstrap interval of the mean of ``values``, of which few are distinct:
    hits, reciprocal ranks.

    Drawing n of them with replacement is a multinomial draw of how often each distinct one comes,
    so no resampling loop is needed.
    """
    distinct, counts = np.unique(np.asarray(values, dtype=float), return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(values), counts / len(values), samples)
    low, high = np.percentile(drawn @ distinct / len(values), [2.5, 97.5])
    return float(low), float(high)
