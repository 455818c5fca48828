"""The difference between two sides in one task: which languages can be compared, on which queries,
and how large the difference is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import count

import numpy as np

from transliconet.errors import DataError, Option
from transliconet.probe.paired_bootstrap import SAMPLES, PairedScores
from transliconet.probe.record import QUERY_SCORES, RetrievalRecord, reciprocal_ranks
from transliconet.probe.significance import Effect, correct_effects, paired_effect
from transliconet.report.transfer_runs import ComparedTransfer

METRICS = ("acc@1", "acc@5", "acc@10", "mrr", *QUERY_SCORES)
"""Metrics that are compared query by query; some are only of documents."""

Record = RetrievalRecord | ComparedTransfer
Runs = Sequence[Sequence[Record]]
"""The runs of a side → the records of one task and layer, one for each language."""
ByLanguage = Mapping[str, Sequence[Record]]
"""Language → its record in each run of a side."""


def by_language(runs: Runs) -> dict[str, list[Record]]:
    """The languages that every run of a side has, with the record of each run."""
    found: dict[str, dict[int, Record]] = {}  # language → run → record
    for number, run in enumerate(runs):
        # of a damaged file that has a language twice, the last record counts
        for record in run:
            found.setdefault(record.language, {})[number] = record
    complete = {}
    for language, of_language in found.items():
        if len(of_language) == len(runs):
            complete[language] = list(of_language.values())
    return complete


def other_candidates(records: Sequence[Record]) -> str:
    """How the queries and candidates of some records differ; empty where they are the same.

    Acc@1 depends on how many candidates there are, so that such records are not comparable.
    """
    sizes = dict.fromkeys(str(record.candidates) for record in records)
    if len(sizes) > 1:
        return f"{' and '.join(sizes)} candidates"
    if len({record.sentences for record in records}) == 1:
        return ""
    ids = {frozenset(record.outcomes.ids) for record in records if record.outcomes}
    return "other sentences" if len(ids) > 1 else "the same ids with another text"


def query_scores(record: RetrievalRecord, metric: str, depth: int) -> np.ndarray:
    """(N,) float64 scores in 0 … 1 of the queries of a record, whose mean is its ``metric``.

    Args:
        record: with outcomes.
        metric: one of :data:`METRICS`.
        depth: deeper ranks count 0 in the MRR.
    """
    if record.outcomes is None:
        raise ValueError("a record without outcomes")
    if metric in QUERY_SCORES:
        return _document_scores(record, metric)
    ranks = record.outcomes.ranks
    if metric == "mrr":
        return reciprocal_ranks(ranks, depth)
    return (ranks <= int(metric.removeprefix("acc@"))).astype(np.float64)


def _document_scores(record: RetrievalRecord, metric: str) -> np.ndarray:
    scores = record.outcomes.scores if record.outcomes else {}
    if metric not in scores:
        raise DataError(
            Option("metric", metric),
            f"{record.task} has none: it is of documents",
            "Probe with probe=documents, or compare acc@1 or mrr",
            code="TLN-DATA-911",
        )
    return scores[metric]


@dataclass(frozen=True)
class TaskDifference:
    """Both sides of one task, query by query.

    Args:
        scores: of each language that both sides have.
        samples: of the bootstrap.
        seed: of everything random.
    """

    scores: Mapping[str, PairedScores]
    samples: int = SAMPLES
    seed: int = 0
    _known: dict[tuple[str, ...], Effect] = field(default_factory=dict)

    @classmethod
    def from_records(
        cls,
        baseline: ByLanguage,
        other: ByLanguage,
        metric: str = "acc@1",
        samples: int = SAMPLES,
        seed: int = 0,
    ) -> "TaskDifference | None":
        """Pair the queries of the languages that both sides have, by their ids.

        Args:
            baseline, other: records with outcomes.
            metric: one of :data:`METRICS`, or of :data:`transfer_runs.METRICS`.
            samples, seed: of the bootstrap.

        Returns:
            None where no language has a query in common.
        """
        numbers: dict[str, int] = {}  # id → its number, the same in every language
        scores = {}
        for language in baseline:
            if language in other:
                of_language = _pair(baseline[language], other[language], metric, numbers)
                if len(of_language.ids):
                    scores[language] = of_language
        return cls(scores, samples, seed) if scores else None

    def effects(self, groups: Mapping[str, Sequence[str]]) -> dict[str, Effect]:
        """The effect in each group, for groups all of whose languages are paired.

        Args:
            groups: name → its languages; ``all`` is not corrected for the number of groups.
        """
        effects = {}
        for name, languages in groups.items():
            if languages and self.scores.keys() >= set(languages):
                effects[name] = self._effect(tuple(languages))
        return correct_effects(effects)

    def _effect(self, languages: tuple[str, ...]) -> Effect:
        if languages not in self._known:  # a page asks for the same group in several tables
            scores = [self.scores[language] for language in languages]
            self._known[languages] = paired_effect(scores, self.samples, self.seed)
        return self._known[languages]


def _pair(
    baseline: Sequence[Record],
    other: Sequence[Record],
    metric: str,
    numbers: dict[str, int],
) -> PairedScores:
    """The scores of one language on the queries that all records have, in one order."""
    records = [*baseline, *other]
    shared = _shared_ids(records)
    depth = min(record.depth for record in records)
    scores = np.empty((len(records), len(shared)))  # (R + S, N)
    wholes = np.ones((len(records), len(shared)))  # (R + S, N)
    for number, record in enumerate(records):
        positions = _positions(record, shared)
        if isinstance(record, ComparedTransfer):
            parts, whole = record.parts(metric)
            scores[number], wholes[number] = parts[positions], whole[positions]
        else:
            scores[number] = query_scores(record, metric, depth)[positions]
    ids = np.array([numbers.setdefault(id_, len(numbers)) for id_ in shared], dtype=np.int64)
    runs = len(baseline)
    # where every whole is 1, the metric is a mean
    sides = None if (wholes == 1).all() else (wholes[:runs], wholes[runs:])
    return PairedScores(ids, scores[:runs], scores[runs:], sides)


def _shared_ids(records: Sequence[Record]) -> list[str]:
    found = [record.outcomes.ids for record in records if record.outcomes is not None]
    common = reduce(frozenset.intersection, map(frozenset, found))
    return [id_ for id_ in found[0] if id_ in common]


def _positions(record: Record, ids: Sequence[str]) -> list[int]:
    """Where the queries of some ids are in a record."""
    places: dict[str, int] = {}
    if record.outcomes is not None:
        places = dict(zip(record.outcomes.ids, count()))
    return [places[id_] for id_ in ids]


def has_scores(record: RetrievalRecord, metric: str) -> bool:
    """Whether a record keeps the score of each query in a metric."""
    if record.outcomes is None:
        return False
    return metric not in QUERY_SCORES or metric in record.outcomes.scores


def stage_difference(
    before: Sequence[RetrievalRecord], after: Sequence[RetrievalRecord], metric: str = "acc@1"
) -> TaskDifference | None:
    """The change from one measurement of a task to another; None without outcomes.

    Languages with other candidates, or without outcomes, are not in it.

    Args:
        before, after: records of the task.
        metric: one of :data:`METRICS`.
    """
    scored = []
    for records in (before, after):
        scored.append([record for record in records if has_scores(record, metric)])
    sides = by_language([scored[0]]), by_language([scored[1]])
    for language in list(sides[1]):
        if other_candidates([*sides[0].get(language, []), *sides[1][language]]):
            del sides[1][language]
    return TaskDifference.from_records(*sides, metric)
