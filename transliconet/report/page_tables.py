"""The tables of a report page: means of tasks, scripts, languages, layers and metrics."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import chain

from transliconet.probe.record import RetrievalRecord
from transliconet.report.changes import (
    CHANGE_HEADINGS,
    CHANGE_NOTE,
    change_cells,
    group_changes,
)
from transliconet.report.documents import document_tables
from transliconet.report.effects import TaskDifference, stage_difference
from transliconet.report.html import table
from transliconet.report.load import ReportColumn
from transliconet.report.names import group_name
from transliconet.report.ranking import RANKING_HEADINGS, ranking_tables
from transliconet.report.tables import (
    ALL,
    group_records,
    mean_candidates,
    mean_chance,
    mean_metric,
    mean_of_metric,
    mexa_over_layers,
    mexa_rows,
    percent,
    select_task,
    task_layers,
)
from transliconet.report.typed import TypedTable, romanizer_of, typed_tables


def all_tasks(columns: Sequence[ReportColumn]) -> list[tuple[str, int]]:
    """(task, layer) of every column."""
    return task_layers(chain.from_iterable(column.records for column in columns))


SHARES = frozenset({"mexa", "script_probe", "identical", "recall"})
"""Metrics of paired vectors that are shown in percent; the others are cosines and the like."""
NAMES = {"name": "name"}
"""Style of the column of names."""
Differences = Mapping[tuple[str, int], TaskDifference]
"""(Task, layer) → its two columns, query by query."""


def table_differences(columns: Sequence[ReportColumn]) -> Differences:
    """The tasks whose outcomes are known in both of two columns; empty for other numbers."""
    differences: dict[tuple[str, int], TaskDifference] = {}
    if len(columns) != 2:
        return differences
    for task, layer in all_tasks(columns):
        before, after = (select_task(column.records, task, layer) for column in columns)
        if before and after and (found := stage_difference(before, after)) is not None:
            differences[task, layer] = found
    return differences


def summary_table(columns: Sequence[ReportColumn], differences: Differences) -> str:
    """Mean over languages of each task, one column each."""
    rows: defaultdict[int, list[list[str]]] = defaultdict(list)
    for task, layer in all_tasks(columns):
        row = [f"{task}, layer {layer}"]
        groups = []
        for column in columns:
            records = select_task(column.records, task, layer)
            row.append(percent(mean_metric(records, "acc@1")) if records else "")
            groups.append({ALL: records})
        row.append(str(max(len(of_column[ALL]) for of_column in groups)))
        if differences:
            changes = group_changes(groups[0], groups[1], differences.get((task, layer)))
            row += change_cells(changes.get(ALL))
        rows[layer].append(row)
    names = [column.name for column in columns]
    headings = ["Acc@1 in percent, mean over languages", *names, "languages"]
    note = ""
    if differences:
        headings += CHANGE_HEADINGS
        note = f"<p>{escape(CHANGE_NOTE)}</p>"
    tables = {layer: table(headings, of_layer) for layer, of_layer in rows.items()}
    return note + _highest_open(tables)


def typed_views(columns: Sequence[ReportColumn]) -> str:
    """Text as people type it, beside a romanizer's; nothing where no probe had such text."""
    return _view_tables(columns, typed_tables)


def document_views(columns: Sequence[ReportColumn]) -> str:
    """Documents by queries in several views; nothing where no probe had documents."""
    return _view_tables(columns, document_tables)


def _view_tables(columns: Sequence[ReportColumn], make: Callable[..., list[TypedTable]]) -> str:
    by_name = {column.name: column.records for column in columns}
    by_layer: defaultdict[int, str] = defaultdict(str)
    for found in make(by_name, romanizer_of(columns[0].content.get("data", {}))):
        heading = f"<h3>{escape(found.title)}</h3>"
        by_layer[found.layer] += heading + table(found.headings, found.rows)
    return _highest_open(by_layer)


def _highest_open(by_layer: Mapping[int, str]) -> str:
    """The content of the highest layer; the other layers are folded."""
    if len(by_layer) < 2:
        return "".join(by_layer.values())
    last = max(by_layer)
    others = "\n".join(by_layer[layer] for layer in sorted(by_layer) if layer != last)
    summary = f"{len(by_layer) - 1} more layers"
    return f"{by_layer[last]}\n<details><summary>{summary}</summary>{others}</details>"


def score_tables(
    columns: Sequence[ReportColumn],
    key: Callable[[RetrievalRecord], str],
    differences: Differences,
) -> str:
    """One table a task and layer."""
    headings = ["code", "name"]
    for metric in ("Acc@1", "MRR"):
        headings += [f"{metric} {column.name}" for column in columns]
    headings += ["chance Acc@1", "languages", "candidates"]
    tables: defaultdict[int, list[str]] = defaultdict(list)
    for task, layer in all_tasks(columns):
        groups = []
        for column in columns:
            groups.append(group_records(select_task(column.records, task, layer), key))
        rows, shown = _score_rows(groups), headings
        if difference := differences.get((task, layer)):
            changes = group_changes(groups[0], groups[1], difference)
            rows = [[*row, *change_cells(changes.get(row[0]))] for row in rows]
            shown = [*headings, *CHANGE_HEADINGS]
        body = table(shown, rows, NAMES)
        tables[layer].append(f"<h3>{escape(task)}, layer {layer}</h3>{body}")
    return _highest_open({layer: "\n".join(of_layer) for layer, of_layer in tables.items()})


def _score_rows(groups: Sequence[Mapping[str, list[RetrievalRecord]]]) -> list[list[str]]:
    """A row for each key, and one for all if there are several keys."""
    keys = sorted(set().union(*groups) - {ALL})
    if len(keys) > 1:
        keys.append(ALL)
    rows = []
    for key in keys:
        row = [key, group_name(key)]
        for metric in ("acc@1", "mrr"):
            for of_column in groups:
                records = of_column.get(key, [])
                row.append(percent(mean_metric(records, metric)) if records else "")
        first = next(of_column[key] for of_column in groups if of_column.get(key))
        chance = percent(mean_chance(first))
        rows.append([*row, chance, str(len(first)), str(mean_candidates(first))])
    return rows


def mexa_tables(columns: Sequence[ReportColumn]) -> str:
    """Mean and maximum of MEXA over layers, one table a task; nothing for one layer."""
    cells: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for number, column in enumerate(columns):
        for task, scores in mexa_over_layers(column.records).items():
            for key, *values in mexa_rows(scores):
                row = cells[task][key]
                row += [""] * (len(values) * number - len(row))  # columns that lack this key
                row += values
    headings = [""]
    for column in columns:
        headings += [f"{what} {column.name}" for what in ("mean", "max", "at layer")]
    tables = []
    for task, by_key in cells.items():
        rows = []
        for key, values in by_key.items():
            rows.append([key, *values])
        tables.append(f"<h3>{escape(task)}</h3>{table(headings, rows)}")
    return "\n".join(tables)


def rankings(columns: Sequence[ReportColumn]) -> str:
    """Languages by their nearness to each pivot; nothing where no probe had pivots."""
    parts = []
    for column in columns:
        for title, rows in ranking_tables(column.records).items():
            heading = f"<h3>{escape(f'{column.name}: {title}')}</h3>"
            parts.append(heading + table(RANKING_HEADINGS, rows))
    return "\n".join(parts)


def metrics_table(columns: Sequence[ReportColumn]) -> str:
    """Every metric of paired vectors of every task, mean over languages, one column each."""
    rows = []
    for task, layer in all_tasks(columns):
        selected = [select_task(column.records, task, layer) for column in columns]
        names: dict[str, None] = {}
        for record in chain.from_iterable(selected):
            names.update(dict.fromkeys(record.metrics))
        for name in names:
            label = name.replace("_", " ")
            row = [f"{task}, layer {layer}", f"{label} (%)" if name in SHARES else label]
            for records in selected:
                present = any(name in record.metrics for record in records)
                row.append(_metric(name, mean_of_metric(records, name)) if present else "")
            rows.append(row)
    headings = ["", "mean over languages", *(column.name for column in columns)]
    if not rows:
        return ""
    return table(headings, rows, {headings[1]: "name"})


def _metric(name: str, value: float) -> str:
    return percent(value) if name in SHARES else f"{value:.3f}"
