"""The page of a report: before and after, or several measurements side by side."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from html import escape

from transliconet.probe.record import RetrievalRecord
from transliconet.probe.sample import Sample
from transliconet.report.changes import (
    CHANGE_HEADINGS,
    CHANGE_NOTE,
    change_cells,
    group_changes,
)
from transliconet.report.documents import DOCUMENTS_HEADING, document_tables
from transliconet.report.effects import TaskDifference, stage_difference
from transliconet.report.figures import MAP_HEADING, run_figures
from transliconet.report.html import chart, document, section, table
from transliconet.report.load import ReportColumn
from transliconet.report.ranking import RANKING_HEADING, RANKING_HEADINGS, ranking_tables
from transliconet.report.tables import (
    ALL,
    group_records,
    language_of,
    mean_candidates,
    mean_chance,
    mean_metric,
    mean_of_metric,
    mexa_over_layers,
    mexa_rows,
    percent,
    script_of,
    select_task,
    task_layers,
)
from transliconet.report.transfer import Content, transfer_tables
from transliconet.report.typed import TYPED_HEADING, TypedTable, romanizer_of, typed_tables

MAP_NOTES = {
    "pca": "Principal components. Directions mean nothing, distances between groups do.",
    "tsne": "t-SNE: neighbours mean something, distances between groups and directions do not.",
    "umap": "UMAP: neighbours mean something, distances between groups and directions do not.",
}
"""Projection → how to read the map."""
POINTER_NOTE = "Point at a sentence to read it and to see its pair at each stage; click a script."


def page(
    columns: Sequence[ReportColumn],
    title: str,
    transfer: Sequence[Content] = (),
    projection: str = "pca",
) -> str:
    """The HTML of a report.

    Args:
        columns: of the report.
        title: of the page.
        transfer: records of transfer, whose tables come first.
        projection: of the map, see :func:`transliconet.report.projection.project`.
    """
    of_transfer = []
    for caption, headings, rows in transfer_tables(transfer):
        of_transfer.append(section(f"Transfer: {caption}", table(headings, rows)))
    if not columns:
        return document(title, of_transfer)
    differences = _differences(columns)
    sections = [*of_transfer, _summary(columns, differences)]
    if side_by_side := _typed_tables(columns):
        sections.append(section(TYPED_HEADING, side_by_side))
    if documents := _document_tables(columns):
        sections.append(section(DOCUMENTS_HEADING, documents))
    if left_out := _passed_over(columns):
        sections.append(section("Not measured", left_out))
    for heading, key in (("By script", script_of), ("By language", language_of)):
        sections.append(section(heading, _score_tables(columns, key, differences)))
    if layers := _mexa_tables(columns):
        sections.append(section("MEXA over layers", layers))
    if ranking := _ranking_tables(columns):
        sections.append(section(RANKING_HEADING, ranking))
    sections.append(section("Metrics of paired vectors", _metrics_table(columns)))
    for heading, figure in run_figures(columns, projection).items():
        note = ""
        if heading == MAP_HEADING:
            note = f"{MAP_NOTES[projection]} {POINTER_NOTE}"
        sections.append(section(heading, chart(figure.description, figure, note)))
    sample = Sample.load(columns[0].folder)
    if sample is not None and sample.texts:
        sections.append(section("Sentences of the map", _sentences(sample)))
    settings = [_settings(column) for column in _one_per_file(columns)]
    sections.append(section("Settings and versions", "".join(settings)))
    return document(title, sections)


def _all_tasks(columns: Sequence[ReportColumn]) -> list[tuple[str, int]]:
    """(task, layer) of every column."""
    return task_layers(record for column in columns for record in column.records)


def _passed_over(columns: Sequence[ReportColumn]) -> str:
    """Everything that the probes left out, without repetitions."""
    lines = dict.fromkeys(line for column in columns for line in column.passed_over.lines())
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


Differences = Mapping[tuple[str, int], TaskDifference]
"""(Task, layer) → its two columns, query by query."""


def _differences(columns: Sequence[ReportColumn]) -> Differences:
    """The tasks whose outcomes are known in both of two columns; empty for other numbers."""
    differences: dict[tuple[str, int], TaskDifference] = {}
    if len(columns) != 2:
        return differences
    for task, layer in _all_tasks(columns):
        before, after = (select_task(column.records, task, layer) for column in columns)
        if before and after and (found := stage_difference(before, after)) is not None:
            differences[task, layer] = found
    return differences


def _summary(columns: Sequence[ReportColumn], differences: Differences) -> str:
    """Mean over languages of each task, one column each."""
    rows: defaultdict[int, list[list[str]]] = defaultdict(list)
    for task, layer in _all_tasks(columns):
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
    return _highest_open(tables) + note


def _typed_tables(columns: Sequence[ReportColumn]) -> str:
    """Text as people type it, beside a romanizer's; nothing where no probe had such text."""
    return _view_tables(columns, typed_tables)


def _document_tables(columns: Sequence[ReportColumn]) -> str:
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


def _score_tables(
    columns: Sequence[ReportColumn],
    key: Callable[[RetrievalRecord], str],
    differences: Differences,
) -> str:
    """One table a task and layer."""
    headings = [""]
    for metric in ("Acc@1", "MRR"):
        headings += [f"{metric} {column.name}" for column in columns]
    headings += ["chance Acc@1", "languages", "candidates"]
    tables: defaultdict[int, list[str]] = defaultdict(list)
    for task, layer in _all_tasks(columns):
        groups = []
        for column in columns:
            groups.append(group_records(select_task(column.records, task, layer), key))
        rows, shown = _score_rows(groups), headings
        if difference := differences.get((task, layer)):
            changes = group_changes(groups[0], groups[1], difference)
            rows = [[*row, *change_cells(changes.get(row[0]))] for row in rows]
            shown = [*headings, *CHANGE_HEADINGS]
        body = table(shown, rows)
        tables[layer].append(f"<h3>{escape(task)}, layer {layer}</h3>{body}")
    return _highest_open({layer: "\n".join(of_layer) for layer, of_layer in tables.items()})


def _score_rows(groups: Sequence[Mapping[str, list[RetrievalRecord]]]) -> list[list[str]]:
    """A row for each key, and one for all if there are several keys."""
    keys = sorted({key for of_column in groups for key in of_column} - {ALL})
    if len(keys) > 1:
        keys.append(ALL)
    rows = []
    for key in keys:
        row = [key]
        for metric in ("acc@1", "mrr"):
            for of_column in groups:
                records = of_column.get(key, [])
                row.append(percent(mean_metric(records, metric)) if records else "")
        first = next(of_column[key] for of_column in groups if of_column.get(key))
        chance = percent(mean_chance(first))
        rows.append([*row, chance, str(len(first)), str(mean_candidates(first))])
    return rows


def _mexa_tables(columns: Sequence[ReportColumn]) -> str:
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
        rows = [[key, *values] for key, values in by_key.items()]
        tables.append(f"<h3>{escape(task)}</h3>{table(headings, rows)}")
    return "\n".join(tables)


def _ranking_tables(columns: Sequence[ReportColumn]) -> str:
    """Languages by their nearness to each pivot; nothing where no probe had pivots."""
    parts = []
    for column in columns:
        for title, rows in ranking_tables(column.records).items():
            heading = f"<h3>{escape(f'{column.name}: {title}')}</h3>"
            parts.append(heading + table(RANKING_HEADINGS, rows))
    return "\n".join(parts)


def _metrics_table(columns: Sequence[ReportColumn]) -> str:
    """Every metric of paired vectors of every task, mean over languages, one column each."""
    rows = []
    for task, layer in _all_tasks(columns):
        selected = [select_task(column.records, task, layer) for column in columns]
        every = [record for of_column in selected for record in of_column]
        for name in dict.fromkeys(name for record in every for name in record.metrics):
            row = [f"{task}, layer {layer}", name.replace("_", " ")]
            for records in selected:
                present = any(name in record.metrics for record in records)
                row.append(f"{mean_of_metric(records, name):.3f}" if present else "")
            rows.append(row)
    headings = ["", "mean over languages", *(column.name for column in columns)]
    summary = f"{len(rows)} numbers"
    return f"<details><summary>{summary}</summary>{table(headings, rows)}</details>"


def _sentences(sample: Sample) -> str:
    """One sentence of each language, in its script and direction of writing."""
    first: dict[str, tuple[str, str]] = {}
    for tag, text, romanized in zip(sample.languages, sample.texts, sample.romanized, strict=True):
        first.setdefault(tag, (text, romanized))
    rows = []
    for tag, (text, romanized) in sorted(first.items()):
        native_tag = escape(tag.replace("_", "-"))
        roman_tag = escape(tag.split("_")[0]) + "-Latn"
        native = f'<td class="text" lang="{native_tag}" dir="auto">{escape(text)}</td>'
        roman = f'<td class="text" lang="{roman_tag}">{escape(romanized)}</td>'
        rows.append(f"<tr><td>{escape(tag)}</td>{native}{roman}</tr>")
    headings = "".join(f'<th scope="col">{h}</th>' for h in ("language", "sentence", "romanized"))
    body = f"<thead><tr>{headings}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<div class="wide" tabindex="0"><table>{body}</table></div>'


def _one_per_file(columns: Sequence[ReportColumn]) -> list[ReportColumn]:
    by_content = {json.dumps(column.content, default=str): column for column in columns}
    return list(by_content.values())


def _settings(column: ReportColumn) -> str:
    parts = [f"<h3>{escape(column.folder.name)}</h3>"]
    for name, section_ in (("configuration", "config"), ("versions", "versions"), ("data", "data")):
        content = column.content.get(section_, {})
        text = escape(json.dumps(content, indent=1, ensure_ascii=False, default=str))
        parts.append(f"<details><summary>{name}</summary><pre>{text}</pre></details>")
    return "".join(parts)
