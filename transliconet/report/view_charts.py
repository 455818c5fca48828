"""How the same sentences are found when they are romanized, misspelled or typed by people: the
views side by side.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape

from transliconet.documents.plan import VIEWS as QUERY_VIEWS
from transliconet.probe.record import RetrievalRecord
from transliconet.probe.views import NATIVE, ROMANIZED
from transliconet.report.html import chart
from transliconet.report.load import ReportColumn
from transliconet.report.names import VIEW_WORDS, tag_name
from transliconet.report.script_charts import (
    Row,
    highest_layers,
    scale_end,
    score_chart,
    score_row,
    shown_columns,
    side_by_side,
)
from transliconet.report.tables import select_task
from transliconet.report.typed import romanizer_of

VIEWS_HEADING = "By how the text is typed"
VIEW_NOTE = (
    "The same sentences in each view. Dots: mean over the languages that have every view. Lines: "
    "bootstrap 95 % intervals over queries."
)


def view_charts(columns: Sequence[ReportColumn]) -> str:
    """A chart for each text that is searched for; empty where nobody typed or misspelled it."""
    by_name = {column.name: column.records for column in shown_columns(columns)}
    romanizer = romanizer_of(columns[0].content.get("data", {}))
    charts = []
    for target, rows in view_rows(by_name, romanizer).items():
        heading = f"→ {VIEW_WORDS.get(target, tag_name(target))}"
        drawn = chart(f"views {heading}", score_chart(rows, list(by_name), scale_end(rows)))
        charts.append(f"<div><h3>{escape(heading)}</h3>{drawn}</div>")
    if not charts:
        return ""
    note = f"<p class=note>{escape(VIEW_NOTE)}</p>"
    return side_by_side(charts) + note


def view_rows(
    columns: Mapping[str, Sequence[RetrievalRecord]], romanizer: str
) -> dict[str, list[Row]]:
    """Target → a row for each view and column, at the highest layer.

    Only targets that misspelled, half-typed or human text is searched for, and of them the
    languages that have every view in every column.

    Args:
        columns: name → records.
        romanizer: name of the one that made the romanized view.
    """
    # target → view → column → language → record
    found: defaultdict[str, dict[str, dict[str, dict[str, RetrievalRecord]]]] = defaultdict(dict)
    for name, records in columns.items():
        for task, layer in highest_layers(records):
            view, _, target = task.partition("→")
            if view not in QUERY_VIEWS:
                continue
            of_view = found[target].setdefault(view, {})
            selected = select_task(records, task, layer)
            of_view[name] = {record.language: record for record in selected}
    rows = {}
    for target, of_target in found.items():
        typed = of_target.keys() - {NATIVE, ROMANIZED}
        if typed and len(of_target) > 1:
            of_views = _rows(of_target, list(columns), romanizer)
            if of_views:
                rows[target] = of_views
    return rows


def _rows(
    of_target: Mapping[str, Mapping[str, Mapping[str, RetrievalRecord]]],
    names: Sequence[str],
    romanizer: str,
) -> list[Row]:
    views = [view for view in QUERY_VIEWS if view in of_target]
    complete: set[str] = set(next(iter(of_target[views[0]].values())))
    for view in views:
        for name in names:
            complete &= of_target[view].get(name, {}).keys()
    if not complete:
        return []
    rows = []
    for view in views:
        label = f"{romanizer}'s romanization" if view == ROMANIZED else VIEW_WORDS.get(view, view)
        for name in names:
            records = [of_target[view][name][language] for language in sorted(complete)]
            rows.append(score_row(label, name, records))
    return rows
