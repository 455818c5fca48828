"""Text as people type it beside a romanizer's, misspelled and native text: one table for each text
that is searched for.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from transliconet.probe.record import RetrievalRecord
from transliconet.probe.views import HUMAN, NATIVE, NOISY, ROMANIZED
from transliconet.report.tables import ALL, markdown_table, percent

TYPED_HEADING = "Text as people type it"
VIEWS = (NATIVE, ROMANIZED, NOISY, HUMAN)
VIEW_NAMES = {NOISY: "noise"}
"""View → heading of its column, where it is not the view's own name."""
PLOTTED_TASKS = (f"{HUMAN}→{NATIVE}", f"{NATIVE}→{ROMANIZED}")

Cell = tuple[str, str, str]
"""Language, view of the queries, name of the results."""
Cells = dict[Cell, RetrievalRecord]


@dataclass(frozen=True)
class TypedTable:
    """One table.

    Args:
        title: what is searched for, and how.
        layer: hidden layer.
        headings: of the columns.
        rows: of texts, one a language; the last is their mean.
    """

    title: str
    layer: int
    headings: list[str]
    rows: list[list[str]]


def typed_tables(
    columns: Mapping[str, Sequence[RetrievalRecord]], romanizer: str
) -> list[TypedTable]:
    """Acc@1 of each view of the same sentences, side by side.

    Args:
        columns: name of each results → its records.
        romanizer: name of the one that made the romanized view.

    Returns:
        A table for native text and for each pivot, of each layer; none where no record is of text
        that people typed.
    """
    found: defaultdict[tuple[str, int], Cells] = defaultdict(dict)
    for name, records in columns.items():
        for record in records:
            target = _target_of(record)
            if target is not None:
                cell = (record.language, record.source_view, name)
                found[target, record.layer][cell] = record
    tables = []
    for (target, layer), cells in found.items():
        if any(view == HUMAN for _, view, _ in cells):
            tables.append(_table(target, layer, cells, romanizer))
    return tables


def _target_of(record: RetrievalRecord) -> str | None:
    """The text that is searched for, as its tasks name it; None for tasks without a place here."""
    target = NATIVE if record.target == record.language else record.target
    plain = record.task == f"{record.source_view}→{target}"
    if record.source == record.language and record.target_view == NATIVE and plain:
        return target
    return None


def _table(target: str, layer: int, cells: Cells, romanizer: str) -> TypedTable:
    languages = sorted({language for language, _, _ in cells})
    present = {view for _, view, _ in cells}
    views = [view for view in VIEWS if view in present]
    names = list(dict.fromkeys(name for _, _, name in cells))
    shown = [(view, name) for view in views for name in names]
    rows = []
    complete: list[list[float]] = []  # languages in which every view was measured
    for language in languages:
        of_language = [cells.get((language, view, name)) for view, name in shown]
        measured = [record for record in of_language if record is not None]
        accuracies = [_percent_or_nothing(record) for record in of_language]
        rows.append([language, str(measured[0].n), *accuracies])
        if len(measured) == len(shown):
            complete.append([record.acc[1] for record in measured])
    if len(complete) > 1:
        means = [percent(fmean(of_column)) for of_column in zip(*complete, strict=True)]
        rows.append([ALL, f"{len(complete)} languages", *means])
    headings = ["", "candidates"]
    for view, name in shown:
        view_name = romanizer if view == ROMANIZED else VIEW_NAMES.get(view, view)
        headings.append(view_name if len(names) == 1 else f"{view_name}, {name}")
    first = next(iter(cells.values()))
    text = "native text" if target == NATIVE else target
    how = f"layer {layer}, {first.pooling}, {first.similarity}; Acc@1 in percent"
    return TypedTable(f"→ {text} ({how})", layer, headings, rows)


def _percent_or_nothing(record: RetrievalRecord | None) -> str:
    return percent(record.acc[1]) if record is not None else ""


def typed_markdown(columns: Mapping[str, Sequence[RetrievalRecord]], romanizer: str) -> str:
    """:func:`typed_tables` as Markdown; empty where there are none."""
    parts = []
    for found in typed_tables(columns, romanizer):
        table = markdown_table(found.rows, found.headings)
        parts.append(f"### {TYPED_HEADING} {found.title}\n\n{table}")
    return "\n\n".join(parts)


def romanizer_of(data: Mapping[str, Any]) -> str:
    """The name of the romanizer of a results file's ``data``; that of the view if none is named."""
    probed = data.get("probe")
    described = probed.get("romanizer") if isinstance(probed, Mapping) else None
    name = described.get("name") if isinstance(described, Mapping) else None
    return str(name or ROMANIZED)


def plotted_task(records: Sequence[RetrievalRecord]) -> str:
    """The task whose scores a run plots: what people typed → native text, where it was probed."""
    tasks = [record.task for record in records]
    return next((task for task in (*PLOTTED_TASKS, *tasks) if task in tasks), PLOTTED_TASKS[-1])
