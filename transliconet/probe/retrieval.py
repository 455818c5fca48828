"""The retrieval probe: does a sentence find its romanisation, and do both find their translation?"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from transliconet.corpus.pairs import PairsFolder, id_fraction
from transliconet.errors import ConfigError, DataError, require_choice, require_range
from transliconet.model.encoder import Encoder
from transliconet.probe.embed import embed
from transliconet.probe.index import gold_ranks

NATIVE, ROMANIZED = "native", "romanized"
COLUMN = {NATIVE: "text", ROMANIZED: "romanized"}
KS = (1, 5, 10)

Vectors = Callable[[Sequence[str]], np.ndarray]


@dataclass(frozen=True)
class RetrievalRecord:
    """One retrieval task and how it went.

    ``language`` is the row it belongs to in a table (the one that is not the pivot), ``task`` the column. ``acc`` maps
    k to the share of queries whose answer is among the first k; ``mrr`` is the mean reciprocal rank, ranks beyond
    ``depth`` counting 0; ``ci95`` is the bootstrap interval of Acc@1 over queries. Chance is what a random order would
    give.
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

    @property
    def chance(self) -> dict[str, float]:
        """Expected ``acc@k`` and ``mrr`` of a random ranking of ``n`` candidates."""
        ranks = np.arange(1, min(self.depth, self.n) + 1)
        return {**{f"acc@{k}": min(k / self.n, 1.0) for k in KS}, "mrr": float((1 / ranks).sum() / self.n)}

    def as_dict(self) -> dict[str, object]:
        """The record as results files hold it."""
        plain = asdict(self)
        acc = plain.pop("acc")
        return {**plain, **{f"acc@{k}": acc[k] for k in KS}, "ci95": list(self.ci95), "chance": self.chance}

    @classmethod
    def from_dict(cls, record: dict) -> "RetrievalRecord":
        values = {k: v for k, v in record.items() if k in cls.__dataclass_fields__}
        return cls(**{**values, "acc": {k: record[f"acc@{k}"] for k in KS}, "ci95": tuple(record["ci95"])})


def accuracy(ranks: np.ndarray, k: int) -> float:
    """Acc@k: share of ranks ≤ k."""
    return float((ranks <= k).mean())


def mean_reciprocal_rank(ranks: np.ndarray, depth: int) -> float:
    """MRR, ranks beyond ``depth`` counting 0."""
    return float(np.where(ranks <= depth, 1 / ranks, 0.0).mean())


def bootstrap_ci95(hits: np.ndarray, seed: int = 0, samples: int = 2000) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean of 0/1 ``hits``.

    Drawing n hits with replacement and averaging is a binomial draw, so no resampling loop is needed.
    """
    means = np.random.default_rng(seed).binomial(len(hits), hits.mean(), samples) / len(hits)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


@dataclass(frozen=True)
class Side:
    """One end of a task: texts of a language in a view."""

    lang: str
    view: str


@dataclass(frozen=True)
class RetrievalProbe:
    """What is compared with what.

    Every language: native → romanised and back. With pivots, every other language in both views → the pivot's native
    text, and back. Candidates are all answers of the task.

    Args:
        part: part of the pairs folder: ``heldout``, ``train`` or ``all``.
        languages: tags; None takes every language of the part.
        pivots: tags to retrieve translations in, e.g. ``[eng_Latn]``; the same id must mean the same thing.
        layer, pooling, max_length, batch_tokens: see :func:`transliconet.probe.embed.embed`.
        max_candidates: at most that many ids a task, chosen by a hash of the id; None takes all.
        min_candidates: a task with fewer is left out.
        identical: keep pairs whose romanisation equals the text in native ↔ romanised tasks (trivially right).
        depth: ranks are exact down to here.
        seed: of the choice of ids and the bootstrap.
    """

    part: str = "heldout"
    languages: Sequence[str] | None = None
    pivots: Sequence[str] = ()
    layer: int | str = "last"
    pooling: str = "mean"
    max_length: int = 512
    batch_tokens: int = 4096
    max_candidates: int | None = 1000
    min_candidates: int = 20
    identical: bool = False
    depth: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        require_choice("probe.part", self.part, ("heldout", "train", "all"))
        require_range("probe.min_candidates", self.min_candidates, least=1)
        require_range("probe.depth", self.depth, least=max(KS))
        if self.max_candidates is not None:
            require_range("probe.max_candidates", self.max_candidates, least=self.min_candidates)

    def run(self, encoder: Encoder, pairs: PairsFolder) -> list[RetrievalRecord]:
        """Embed and search.

        Raises:
            ConfigError: a language that the folder does not have, or a layer that the encoder does not have.
            DataError: no task has enough candidates.
        """

        def vectors(texts: Sequence[str]) -> np.ndarray:
            return embed(encoder, texts, self.layer, self.pooling, self.max_length, self.batch_tokens)

        return self.evaluate(vectors, pairs, encoder.layer_number(self.layer, "probe.layer"))

    def evaluate(self, vectors: Vectors, pairs: PairsFolder, layer: int) -> list[RetrievalRecord]:
        """As :meth:`run`, for any function from texts to (N, D) vectors."""
        texts = self._texts(pairs)
        tasks = list(self._tasks(texts))
        if not tasks:
            sizes = {tag: len(t) for tag, t in texts.items()}
            raise DataError(
                f"probe.part={self.part} of {pairs.path}",
                f"no task has {self.min_candidates} candidates (rows: {sizes})",
                "Hold out more in prepare (rules.heldout=0.1), or lower probe.min_candidates",
            )
        wanted: defaultdict[Side, dict[str, int]] = defaultdict(dict)
        for *_, source, target, ids in tasks:
            for side in (source, target):
                for id_ in ids:
                    wanted[side].setdefault(id_, len(wanted[side]))
        embedded = {
            side: vectors([texts[side.lang][id_][COLUMN[side.view]] for id_ in ids]) for side, ids in wanted.items()
        }
        return [
            self._record(language, task, source, target, layer, *(
                embedded[side][[wanted[side][id_] for id_ in ids]] for side in (source, target)
            ))
            for language, task, source, target, ids in tasks
        ]  # fmt: skip

    def _texts(self, pairs: PairsFolder) -> dict[str, dict[str, dict]]:
        """tag → id → row, the first row of an id."""
        wanted = None if self.languages is None else list(dict.fromkeys([*self.languages, *self.pivots]))
        rows = pairs.part(self.part, languages=wanted)
        texts: dict[str, dict[str, dict]] = {}
        for row in rows.select(["id", "lang", "text", "romanized", "identical"]).to_pylist():
            texts.setdefault(row["lang"], {}).setdefault(row["id"], row)
        if absent := [p for p in self.pivots if p not in texts]:
            raise ConfigError(
                f"probe.pivots={list(self.pivots)}", f"{absent[0]} has no rows there", "Choose another pivot"
            )
        return dict(sorted(texts.items()))

    def _tasks(self, texts: dict[str, dict[str, dict]]) -> Iterator[tuple[str, str, Side, Side, list[str]]]:
        for lang, rows in texts.items():
            ids = self._choose(id_ for id_, row in rows.items() if self.identical or not row["identical"])
            if ids:
                native, romanized = Side(lang, NATIVE), Side(lang, ROMANIZED)
                yield lang, "native→romanized", native, romanized, ids
                yield lang, "romanized→native", romanized, native, ids
            for pivot in self.pivots:
                shared = self._choose(rows.keys() & texts[pivot].keys()) if lang not in self.pivots else []
                for view in (NATIVE, ROMANIZED) if shared else ():
                    yield lang, f"{view}→{pivot}", Side(lang, view), Side(pivot, NATIVE), shared
                    yield lang, f"{pivot}→{view}", Side(pivot, NATIVE), Side(lang, view), shared

    def _choose(self, ids) -> list[str]:  # type: ignore[no-untyped-def]
        chosen = sorted(ids, key=lambda id_: (id_fraction(id_, self.seed + 2), id_))[: self.max_candidates]
        return chosen if len(chosen) >= self.min_candidates else []

    def _record(
        self, language: str, task: str, source: Side, target: Side, layer: int, queries: np.ndarray, answers: np.ndarray
    ) -> RetrievalRecord:
        ranks = gold_ranks(queries, answers, self.depth)
        return RetrievalRecord(
            language=language, task=task, source=source.lang, target=target.lang, source_view=source.view,
            target_view=target.view, layer=layer, pooling=self.pooling, similarity="cosine", n=len(ranks),
            acc={k: accuracy(ranks, k) for k in KS}, mrr=mean_reciprocal_rank(ranks, self.depth),
            ci95=bootstrap_ci95(ranks <= 1, self.seed), depth=self.depth,
        )  # fmt: skip
