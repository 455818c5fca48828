"""Scores by script, before and after or of several results, as interactive charts."""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import chain
from typing import TYPE_CHECKING, Any

from transliconet.probe.record import RetrievalRecord
from transliconet.probe.views import NATIVE, ROMANIZED
from transliconet.report.html import chart
from transliconet.report.intervals import files_of, headline_metric, mean_score
from transliconet.report.load import ReportColumn
from transliconet.report.names import script_label, tag_name, task_name
from transliconet.report.tables import (
    ALL,
    group_records,
    language_of,
    mean_chance,
    script_of,
    select_task,
    task_layers,
)

if TYPE_CHECKING:
    from altair import LayerChart

MAIN_TASKS = (f"{ROMANIZED}→{NATIVE}", f"{NATIVE}→{ROMANIZED}")
"""Both directions across scripts; they are shown, other tasks are folded."""
COLOURS = tuple(f"var(--series-{number})" for number in range(8))
"""Of the columns, by page.css: the first is grey, a start that others are compared with."""
SHAPES = ("circle", "diamond", "square", "triangle-up", "cross", "triangle-down")
ROW_HEIGHT, HEIGHT_OF_DOT = 12, 9
"""Pixels of a row without dots, and of each dot in it."""
NOTE = (
    "Dots: mean over the languages of a script. Lines: bootstrap 95 % intervals over queries, "
    "where the outcome of each query was kept. Short bars: chance."
)

Row = dict[str, Any]


def script_charts(columns: Sequence[ReportColumn]) -> str:
    """A chart for each task at its highest layer: the two directions across scripts side by side,
    further tasks folded.
    """
    by_name = {column.name: column.records for column in shown_columns(columns)}
    rows: dict[str, list[Row]] = {}
    for task, layer in highest_layers(chain.from_iterable(by_name.values())):
        selected = {}
        for name, records in by_name.items():
            selected[name] = select_task(records, task, layer)
        rows[task] = script_rows(selected)
    main = [task for task in MAIN_TASKS if task in rows] or list(rows)[:2]
    order: list[str] = []
    for task in (*main, *rows):
        order += row_names(rows[task])
    end = scale_end(chain.from_iterable(rows.values()))
    charts = {}
    for task, of_task in rows.items():
        of_task.sort(key=lambda row: order.index(row["row"]))  # one order in all charts
        drawn = chart(f"{task_name(task)}, by script", score_chart(of_task, list(by_name), end))
        charts[task] = f"<div><h3>{escape(task_name(task))}</h3>{drawn}</div>"
    parts = [side_by_side([charts.pop(task) for task in main])]
    parts.append(f"<p class=note>{escape(NOTE)}</p>")
    if charts:
        summary = "1 more task" if len(charts) == 1 else f"{len(charts)} more tasks"
        folded = side_by_side(charts.values())
        parts.append(f"<details><summary>{summary}</summary>{folded}</details>")
    return "\n".join(parts)


def side_by_side(charts: Iterable[str]) -> str:
    """Charts beside each other where there is room."""
    return f'<div class="charts">{"".join(charts)}</div>'


def shown_columns(columns: Sequence[ReportColumn]) -> list[ReportColumn]:
    """All stages of the first results file, and the last stage of the others."""
    first, *others = files_of(columns)
    return [*first, *(stages[-1] for stages in others)]


def highest_layers(records: Iterable[RetrievalRecord]) -> list[tuple[str, int]]:
    """(task, its highest layer), in the order of the tasks."""
    highest: dict[str, int] = {}
    for task, layer in task_layers(records):
        highest[task] = max(layer, highest.get(task, layer))
    return list(highest.items())


def script_rows(columns: Mapping[str, Sequence[RetrievalRecord]]) -> list[Row]:
    """The dots of a chart: a row for each script and column, the best of the last column first; for
    each language where there is only one script.

    Args:
        columns: name → records of one task and layer.
    """
    scripts = {script_of(record) for records in columns.values() for record in records}
    key = script_of if len(scripts) > 1 else language_of
    groups = {}
    for name, records in columns.items():
        groups[name] = group_records(records, key)
    tags: dict[str, dict[str, None]] = {}  # row → its languages in any column
    for of_column in groups.values():
        del of_column[ALL]
        for group, of_group in of_column.items():
            tags.setdefault(group, {}).update(dict.fromkeys(map(language_of, of_group)))
    labels = {}
    for group, languages in tags.items():
        one_script = key is language_of
        labels[group] = tag_name(group) if one_script else script_label(group, list(languages))
    rows = []
    for name, of_column in groups.items():
        for group, of_group in of_column.items():
            rows.append(score_row(labels[group], name, of_group))
    last = list(columns)[-1]
    scores = {row["row"]: row["score"] for row in rows if row["column"] == last}
    return sorted(rows, key=lambda row: -scores.get(row["row"], -1.0))


def score_row(label: str, column: str, records: Sequence[RetrievalRecord]) -> Row:
    """A dot: the mean of some records of a task in a column, in percent."""
    score = mean_score(records)
    low, high = score.ci95 or (None, None)
    metric = headline_metric(records)
    return {
        "row": label,
        "column": column,
        "score": _percent(score.value),
        "low": _percent(low),
        "high": _percent(high),
        "interval": f"{_percent(low)} to {_percent(high)}" if score.ci95 else "not known",
        "unit": "found first (%)" if metric == "acc@1" else "nDCG@10 (%)",
        "chance": _percent(mean_chance(records)) if metric == "acc@1" else None,
        "languages": ", ".join(tag_name(record.language) for record in records),
        "candidates": round(sum(record.candidates for record in records) / len(records)),
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 2)


def row_names(rows: Iterable[Row]) -> list[str]:
    """The names of the rows of a chart, in order."""
    return list(dict.fromkeys(row["row"] for row in rows))


def scale_end(rows: Iterable[Row]) -> float:
    """The end of a scale of percent that has room for all scores: 10, 20, … or 100."""
    most = max(row["high"] or row["score"] for row in rows)
    return float(min(100, max(10, 10 * math.ceil(most / 10))))


def score_chart(rows: Sequence[Row], columns: Sequence[str], end: float) -> "LayerChart":
    """Dots with their intervals, one row under the other.

    Args:
        rows: with ``row``, ``column``, ``score``, ``low``, ``high``, ``interval``, ``unit``,
            ``chance``, ``languages`` and ``candidates``, in the order of the chart.
        columns: names of the columns, in the order of their colours.
        end: of the scale, in percent.
    """
    import altair as alt

    order = row_names(rows)
    having = {row["column"] for row in rows}
    # without others, the first result is no start in grey
    first_colour = 1 if len(columns) == 1 else 0
    present, colours, shapes = [], [], []
    for number, name in enumerate(columns):
        if name in having:
            present.append(name)
            colours.append(COLOURS[(first_colour + number) % len(COLOURS)])
            shapes.append(SHAPES[number % len(SHAPES)])
    legend = alt.Legend(title=None, orient="top", columns=1) if len(columns) > 1 else None
    height = len(order) * (ROW_HEIGHT + HEIGHT_OF_DOT * len(present))
    scale = alt.Scale(domain=[0, end], nice=False)
    tooltip = [
        alt.Tooltip("row:N", title="row"),
        alt.Tooltip("column:N", title="results"),
        alt.Tooltip("score:Q", title=rows[0]["unit"], format=".1f"),
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("chance:Q", title="chance", format=".1f"),
        alt.Tooltip("languages:N", title="languages"),
        alt.Tooltip("candidates:Q", title="candidates"),
    ]
    whole = alt.Chart(alt.Data(values=list(rows))).encode(
        y=alt.Y("row:N", sort=order, title=None, axis=alt.Axis(domain=False, ticks=False)),
    )
    by_column = whole.encode(
        yOffset=alt.YOffset("column:N", sort=present),
        color=alt.Color("column:N", scale=alt.Scale(domain=present, range=colours), legend=legend),
        tooltip=tooltip,
    )
    chances = whole.mark_tick(color="var(--quiet)", thickness=1, size=ROW_HEIGHT).encode(
        x=alt.X("chance:Q", scale=scale)
    )
    lines = (
        by_column.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=2)
        .encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
    )
    dots = by_column.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X("score:Q", scale=scale, title=rows[0]["unit"], axis=alt.Axis(tickCount=5)),
        shape=alt.Shape("column:N", scale=alt.Scale(domain=present, range=shapes), legend=legend),
    )
    return (chances + lines + dots).properties(height=height)
