"""Records as Markdown tables, which are also readable in a terminal."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean
from typing import NamedTuple

import numpy as np
from tabulate import tabulate

from transliconet.probe.metrics import STANDARD_NAMES
from transliconet.probe.record import RetrievalRecord
from transliconet.probe.results import Records
from transliconet.report.changes import (
    CHANGE_HEADINGS,
    CHANGE_NOTE,
    change_cells,
    group_changes,
)
from transliconet.report.effects import stage_difference

RANK_METRICS = ("acc@1", "acc@5", "acc@10", "mrr")
SHARE_COLUMNS = {"identical": "identical pairs", "recall": "index recall"}
"""Metrics of a record that are shown beside the accuracies, in percent → their headings."""
ALL = "all"
"""The row of all records."""


def script_of(record: RetrievalRecord) -> str:
    return record.language.split("_")[-1]


def language_of(record: RetrievalRecord) -> str:
    return record.language


GROUPINGS = {"language": language_of, "script": script_of}
"""Rows of a table → the row that a record belongs to."""


def metric_name(metric: str) -> str:
    """A metric as headings write it: ``Acc@1``, ``MRR``."""
    return metric.upper() if metric == "mrr" else metric.capitalize()


def mean_metric(records: Sequence[RetrievalRecord], metric: str) -> float:
    """Mean of a metric over records, with equal weight for each language; NaN without records."""
    values = [record.as_dict()[metric] for record in records]
    return float(np.mean(values)) if values else float("nan")  # type: ignore[arg-type]


def group_records(
    records: Iterable[RetrievalRecord], key: Callable[[RetrievalRecord], str]
) -> dict[str, list[RetrievalRecord]]:
    """Records by key, in alphabetical order of the keys, then all of them under :data:`ALL`."""
    groups: defaultdict[str, list[RetrievalRecord]] = defaultdict(list)
    for record in records:
        groups[key(record)].append(record)
    ordered = dict(sorted(groups.items()))
    every = [record for of_key in ordered.values() for record in of_key]
    return {**ordered, ALL: every}


def task_layers(records: Iterable[RetrievalRecord]) -> list[tuple[str, int]]:
    """(task, layer) of every table."""
    return list(dict.fromkeys((record.task, record.layer) for record in records))


def select_task(records: Iterable[RetrievalRecord], task: str, layer: int) -> list[RetrievalRecord]:
    return [record for record in records if (record.task, record.layer) == (task, layer)]


def percent(value: float) -> str:
    return f"{100 * value:.1f}"


def mean_candidates(records: Sequence[RetrievalRecord]) -> int:
    """Mean number of candidates."""
    return round(float(np.mean([record.candidates for record in records])))


def mean_chance(records: Sequence[RetrievalRecord]) -> float:
    """Mean chance level of Acc@1."""
    return float(np.mean([record.chance["acc@1"] for record in records]))


def mean_of_metric(records: Sequence[RetrievalRecord], name: str) -> float:
    """Mean over the records that have a metric of paired vectors; NaN if none has it."""
    values = [record.metrics[name] for record in records if name in record.metrics]
    return fmean(values) if values else float("nan")


def _interval(ends: tuple[float, float] | None) -> str:
    return "–".join(map(percent, ends)) if ends else ""


def _heading(task: str, records: Sequence[RetrievalRecord]) -> str:
    first = records[0]
    return f"### {task} (layer {first.layer}, {first.pooling}, {first.similarity}; percent)"


def probe_tables(
    records: Sequence[RetrievalRecord], key: Callable[[RetrievalRecord], str] = language_of
) -> str:
    """One table a task: Acc@1/5/10 and MRR of each group, with intervals and the chance level.

    Where records have them, also the share of pairs that romanization leaves as they are, the
    recall of an approximate index, and the user's own metrics. Over several layers, also MEXA.
    """
    tables = []
    for task, layer in task_layers(records):
        tables.append(_probe_table(select_task(records, task, layer), task, key))
    for task, scores in mexa_over_layers(records).items():
        table = markdown_table(mexa_rows(scores), MEXA_HEADINGS)
        tables.append(f"### {task}, over layers (percent)\n\n{table}")
    return "\n\n".join(tables)


def _probe_table(
    records: Sequence[RetrievalRecord], task: str, key: Callable[[RetrievalRecord], str]
) -> str:
    present = dict.fromkeys(name for record in records for name in record.metrics)
    shares = [name for name in SHARE_COLUMNS if name in present]
    own_metrics = [name for name in present if name not in STANDARD_NAMES]
    rows = []
    for name, of_group in group_records(records, key).items():
        row = [name, str(len(of_group)), str(mean_candidates(of_group))]
        row += [percent(mean_metric(of_group, metric)) for metric in RANK_METRICS]
        for interval in (of_group[0].ci95, of_group[0].mrr_ci95):
            row.append(_interval(interval) if len(of_group) == 1 else "")
        row.append(percent(mean_chance(of_group)))
        row += [percent(mean_of_metric(of_group, share)) for share in shares]
        row += [f"{mean_of_metric(of_group, metric):.3f}" for metric in own_metrics]
        rows.append(row)
    headings = ["", "languages", "candidates", "Acc@1", "Acc@5", "Acc@10", "MRR"]
    headings += ["Acc@1 95 %", "MRR 95 %", "chance Acc@1"]
    headings += [SHARE_COLUMNS[share] for share in shares]
    headings += [metric.replace("_", " ") for metric in own_metrics]
    return f"{_heading(task, records)}\n\n{markdown_table(rows, headings)}"


class LayerScores(NamedTuple):
    """A metric over the layers of an encoder: mean, maximum, and the layer of the maximum."""

    mean: float
    maximum: float
    layer: int


def mexa_over_layers(
    records: Sequence[RetrievalRecord],
) -> dict[str, dict[str, LayerScores]]:
    """MEXA over layers (arXiv 2410.05873, section 3.3): task → language → scores.

    Empty unless there are several layers.
    """
    by_layer: defaultdict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    for record in records:
        if "mexa" in record.metrics:
            by_layer[record.task, record.language][record.layer] = record.metrics["mexa"]
    scores: defaultdict[str, dict[str, LayerScores]] = defaultdict(dict)
    for (task, language), of_layer in by_layer.items():
        if len(of_layer) < 2:
            continue
        best = max(of_layer, key=of_layer.__getitem__)
        mean = float(np.mean(list(of_layer.values())))
        scores[task][language] = LayerScores(mean, of_layer[best], best)
    return dict(scores)


MEXA_HEADINGS = ["", "MEXA, mean over layers", "max over layers", "at layer"]


def mexa_rows(by_language: dict[str, LayerScores]) -> list[list[str]]:
    """Rows under :data:`MEXA_HEADINGS`, in percent; the last is the mean over languages."""
    rows = []
    for language, scores in by_language.items():
        rows.append([language, percent(scores.mean), percent(scores.maximum), str(scores.layer)])
    if len(rows) > 1:
        means = float(np.mean([scores.mean for scores in by_language.values()]))
        maxima = float(np.mean([scores.maximum for scores in by_language.values()]))
        rows.append([ALL, percent(means), percent(maxima), ""])
    return rows


def before_after_tables(records: Records, key: Callable[[RetrievalRecord], str] = script_of) -> str:
    """One table a task: Acc@1 and MRR before and after, by group, with the chance level.

    Where the outcome of each query is known, also the change of Acc@1 with its interval, and
    whether it is within noise.
    """
    before, after = list(records["before"]), list(records["after"])
    headings = ["", "languages", "candidates"]
    headings += ["Acc@1 before", "after", "MRR before", "after", "chance Acc@1"]
    tables, noted = [], []
    for task, layer in task_layers(after):
        of_task_before = select_task(before, task, layer)
        of_task = select_task(after, task, layer)
        groups_before, groups = group_records(of_task_before, key), group_records(of_task, key)
        changes = group_changes(groups_before, groups, stage_difference(of_task_before, of_task))
        rows = []
        for name, of_group in groups.items():
            row = [name, str(len(of_group)), str(mean_candidates(of_group))]
            for metric in ("acc@1", "mrr"):
                for of_stage in (groups_before.get(name, []), of_group):
                    row.append(percent(mean_metric(of_stage, metric)))
            row.append(percent(mean_chance(of_group)))
            rows.append([*row, *change_cells(changes.get(name))] if changes else row)
        shown = [*headings, *CHANGE_HEADINGS] if changes else headings
        tables.append(f"{_heading(task, of_task)}\n\n{markdown_table(rows, shown)}")
        noted += list(changes)
    if noted:
        tables.append(CHANGE_NOTE)
    return "\n\n".join(tables)


def markdown_table(rows: Sequence[Sequence], headings: Sequence[str]) -> str:
    """A Markdown table with the first column aligned to the left. Cells are not escaped."""
    align = ["left"] + ["right"] * (len(headings) - 1)
    return tabulate(rows, headings, tablefmt="github", disable_numparse=True, colalign=align)
