"""A report as tables of LaTeX: accuracies in percent with their intervals."""

from collections.abc import Mapping, Sequence
from itertools import chain

from transliconet.probe.record import RetrievalRecord
from transliconet.probe.significance import Effect
from transliconet.report.changes import CHANGE_HEADINGS, change_cells, group_changes
from transliconet.report.effects import stage_difference
from transliconet.report.formats import latex_document, latex_table
from transliconet.report.load import ReportColumn
from transliconet.report.sweep import sweep_rows
from transliconet.report.sweep_ranking import Ranking
from transliconet.report.tables import (
    ALL,
    group_records,
    language_of,
    mean_metric,
    percent,
    select_task,
    task_layers,
)
from transliconet.report.transfer import Content, transfer_tables
from transliconet.sweep.job import Job

Groups = Mapping[str, Sequence[RetrievalRecord]]


def report_latex(columns: Sequence[ReportColumn], transfer: Sequence[Content] = ()) -> str:
    """A table for each task and layer: Acc@1 with its interval, a row a language and a column for
    each of the report's. Two columns also have their difference.
    Tables of ``transfer`` follow, if there are such records.
    """
    every = chain.from_iterable(column.records for column in columns)
    names = [column.name for column in columns]
    tables = []
    for task, layer in task_layers(every):
        selected, groups = [], []
        for column in columns:
            selected.append(select_task(column.records, task, layer))
            groups.append(group_records(selected[-1], language_of))
        changes: dict[str, Effect] = {}
        if len(columns) == 2 and all(selected):
            difference = stage_difference(selected[0], selected[1])
            changes = group_changes(groups[0], groups[1], difference)
        first = next(chain(*selected))
        how = f"layer {layer}, {first.pooling}, {first.similarity}"
        caption = f"{task} ({how}): Acc@1 in percent, with bootstrap 95 % intervals over queries."
        headings = ["language", "candidates", *names]
        if changes:
            headings += CHANGE_HEADINGS
            caption += " Within noise: p >= 0.05 in a paired test, Holm-corrected."
        tables.append(latex_table(caption, headings, _rows(groups, changes)))
    for caption, headings, rows in transfer_tables(transfer):
        tables.append(latex_table(f"{caption}. Figures in percent.", headings, rows))
    return latex_document(tables)


def _rows(groups: Sequence[Groups], changes: Mapping[str, Effect]) -> list[list[str]]:
    languages = sorted(set(chain(*groups)) - {ALL})
    rows = []
    for name in [*languages, ALL]:
        found = [of_column.get(name, []) for of_column in groups]
        sizes = [record.candidates for record in chain(*found)]
        span = sorted({min(sizes), max(sizes)})
        row = [name, "–".join(map(str, span))]
        row += map(_accuracy, found)
        rows.append([*row, *change_cells(changes.get(name))] if changes else row)
    return rows


def _accuracy(records: Sequence[RetrievalRecord]) -> str:
    """The mean in percent, and the interval of a single record; empty without records."""
    if not records:
        return ""
    mean = percent(mean_metric(records, "acc@1"))
    if len(records) > 1:
        return mean
    low, high = map(percent, records[0].ci95)
    return f"{mean} [{low}, {high}]"


def sweep_latex(jobs: Sequence[Job], ranking: Ranking | None = None) -> str:
    """The table of a sweep."""
    headings, rows = sweep_rows(jobs, ranking)
    caption = "Jobs of a sweep: Acc@1 in percent, mean over languages."
    return latex_document([latex_table(caption, headings, rows)])
