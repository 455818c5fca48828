"""How certain one mean score is, and which of a report's columns are compared with which."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from transliconet.probe.paired_bootstrap import (
    PairedScores,
    bootstrap_differences,
    percentile_interval,
)
from transliconet.probe.record import NDCG, RetrievalRecord
from transliconet.report.effects import has_scores, query_scores
from transliconet.report.load import ReportColumn

Interval = tuple[float, float]


@dataclass(frozen=True)
class MeanScore:
    """A mean over records, each language counting the same.

    Args:
        value: in 0 … 1.
        ci95: bootstrap 95 % interval over queries; None where outcomes were not kept.
    """

    value: float
    ci95: Interval | None


def headline_metric(records: Sequence[RetrievalRecord]) -> str:
    """The metric that a task is summed up by: nDCG@10 of documents, otherwise Acc@1."""
    return "acc@1" if records[0].documents is None else NDCG


def mean_score(records: Sequence[RetrievalRecord]) -> MeanScore:
    """The mean of the headline metric of one task, with its interval.

    The interval of one language is that of its record. Of several, ids are drawn as for
    differences: one that languages share is the same meaning.

    Args:
        records: one or more of a task, one for each language.
    """
    metric = headline_metric(records)
    value = float(np.mean([record.headline for record in records]))
    if len(records) == 1 and metric == "acc@1":
        return MeanScore(value, records[0].ci95)
    numbers: dict[str, int] = {}  # id → its number, the same in every language
    scores = []
    for record in records:
        if record.outcomes is None or not has_scores(record, metric):
            return MeanScore(value, None)
        ids = [numbers.setdefault(id_, len(numbers)) for id_ in record.outcomes.ids]
        found = query_scores(record, metric, record.depth)[None]  # (1, N)
        scores.append(PairedScores(np.array(ids, np.int64), np.zeros_like(found), found))
    draws = bootstrap_differences(scores)  # (samples, L), differences from zero
    return MeanScore(value, percentile_interval(np.nanmean(draws, axis=1)))


class Pairing(NamedTuple):
    """Two columns that are compared."""

    baseline: ReportColumn
    other: ReportColumn


def pairings(columns: Sequence[ReportColumn]) -> list[Pairing]:
    """What a report compares: of one results file, its last stage with its first; of several, the
    last stage of each with that of the first file.
    """
    files = files_of(columns)
    if len(files) == 1:
        stages = files[0]
        return [Pairing(stages[0], stages[-1])] if len(stages) > 1 else []
    baseline, *others = [stages[-1] for stages in files]
    return [Pairing(baseline, other) for other in others]


def files_of(columns: Sequence[ReportColumn]) -> list[list[ReportColumn]]:
    """The columns of each results file, in order."""
    files: dict[int, list[ReportColumn]] = {}
    for column in columns:
        # the columns of a file share its content
        files.setdefault(id(column.content), []).append(column)
    return list(files.values())


def with_short_names(columns: Sequence[ReportColumn]) -> list[ReportColumn]:
    """The columns, those that are the only stage of their file by its name alone, as long as the
    names differ.
    """
    named = []
    for stages in files_of(columns):
        for column in stages:
            alone = len(stages) == 1 and column.name != column.stage
            named.append(replace(column, name=column.title) if alone else column)
    distinct = len({column.name for column in named}) == len(named)
    return named if distinct else list(columns)
