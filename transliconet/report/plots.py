"""Scores of each script, before and after training or of several measurements."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from math import sqrt
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from transliconet.probe.record import RetrievalRecord
from transliconet.probe.results import Records
from transliconet.report.colours import AFTER_COLOUR, BEFORE_COLOUR, CHANCE_COLOUR, COLOURS, SHAPES
from transliconet.report.figure import Figure, Layout, Row
from transliconet.report.names import language_name, script_label, task_name
from transliconet.report.tables import ALL, group_records, mean_chance, mean_metric, script_of

if TYPE_CHECKING:
    import altair as alt

CHANCE = "chance"
CHANCE_SHAPE = "M-0.2,-1 L0.2,-1 L0.2,1 L-0.2,1 Z"
"""An upright stroke."""
MOST_TASKS = 4
MOST_LANGUAGES = 12
"""That are named under the pointer."""
ROW_HEIGHT, ROW_MARGIN = 6, 8
"""Of a script: for each column of the report, and between scripts, in pixels."""


def plot_before_after(
    records: Records, path: str | Path | None = None, task: str | None = None
) -> Figure:
    """Acc@1 of each script before and after training, with 95 % intervals and the chance level.

    Args:
        records: of ``before`` and ``after``.
        path: a file to write: ``.pdf``, ``.svg`` or ``.png``; None leaves the figure to the
            notebook.
        task: name of the task to show; None shows up to four.
    """
    columns = {stage: records[stage] for stage in ("before", "after")}
    figure = scores_by_script(columns, None if task is None else [task])
    if path is not None:
        figure.save(path)
    return figure


def scores_by_script(
    columns: Mapping[str, Sequence[RetrievalRecord]], tasks: Sequence[str] | None = None
) -> Figure:
    """Acc@1 of each script, a panel for each task; the highest layer, if there are several.

    Args:
        columns: name → records, such as those of ``before`` and ``after``.
        tasks: to show; None shows the first four.
    """
    every = [record for records in columns.values() for record in records]
    known = dict.fromkeys(record.task for record in every)
    shown = list(tasks or list(known)[:MOST_TASKS])
    datasets, means = {}, []
    for number, task in enumerate(shown):
        datasets[f"scores{number}"] = _task_rows(columns, task)
        means.append(_means_in_words(columns, task))
    scripts = _order(list(datasets.values()), list(columns))
    panels = []
    for name, task in zip(datasets, shown, strict=True):
        panels.append(_panel(task, name, scripts, list(columns)))
    description = f"Acc@1 by script, with 95 % intervals. Means over languages: {'; '.join(means)}."
    # a panel has the names of scripts beside it
    layout = Layout(margin=155, narrowest=420)
    return Figure("scripts", description, panels, datasets, layout=layout)


def _of_task(records: Sequence[RetrievalRecord], task: str) -> list[RetrievalRecord]:
    """The records of a task at its highest layer."""
    of_task = [record for record in records if record.task == task]
    highest = max((record.layer for record in of_task), default=0)
    return [record for record in of_task if record.layer == highest]


def _task_rows(columns: Mapping[str, Sequence[RetrievalRecord]], task: str) -> list[Row]:
    """A row for each script and column, and one for its chance level."""
    rows: list[Row] = []
    chances: dict[str, float] = {}
    for column, records in columns.items():
        of_scripts = group_records(_of_task(records, task), script_of)
        of_scripts.pop(ALL)
        for script, of_script in of_scripts.items():
            tags = [record.language for record in of_script]
            name = script_label(script, tags)
            low, high = mean_interval(of_script)
            languages = [language_name(tag.partition("_")[0]) for tag in tags]
            more = "" if len(languages) <= MOST_LANGUAGES else " …"
            rows.append(
                {
                    "script": name,
                    "column": column,
                    "accuracy": round(mean_metric(of_script, "acc@1"), 4),
                    "low": round(low, 4),
                    "high": round(high, 4),
                    "languages": ", ".join(languages[:MOST_LANGUAGES]) + more,
                }
            )
            chances[name] = round(mean_chance(of_script), 4)
    for name, chance in chances.items():
        rows.append({"script": name, "column": CHANCE, "accuracy": chance})
    return rows


def mean_interval(records: Sequence[RetrievalRecord]) -> tuple[float, float]:
    """95 % interval of the mean Acc@1 of languages whose queries were drawn independently: the
    distances to the ends of their intervals, added as variances are.

    Args:
        records: one a language, at least one.
    """
    mean = fmean(record.acc[1] for record in records)
    below = sum((record.acc[1] - record.ci95[0]) ** 2 for record in records)
    above = sum((record.ci95[1] - record.acc[1]) ** 2 for record in records)
    number = len(records)
    return max(mean - sqrt(below) / number, 0.0), min(mean + sqrt(above) / number, 1.0)


def _order(datasets: Sequence[Sequence[Row]], columns: Sequence[str]) -> list[str]:
    """Scripts by their mean accuracy over tasks in the last column that has them, the best on
    top.
    """
    means: dict[str, float] = {}
    for column in columns:
        accuracies: defaultdict[str, list[float]] = defaultdict(list)
        for row in chain.from_iterable(datasets):
            if row["column"] == column:
                accuracies[row["script"]].append(row["accuracy"])
        means |= {script: fmean(values) for script, values in accuracies.items()}
    return sorted(means, key=lambda script: -means[script])


def _panel(
    task: str, dataset: str, scripts: Sequence[str], columns: Sequence[str]
) -> "alt.LayerChart":
    import altair as alt

    if list(columns) == ["before", "after"]:
        colours = [BEFORE_COLOUR, AFTER_COLOUR]
    else:
        colours = [COLOURS[number % len(COLOURS)] for number in range(len(columns))]
    shapes = [SHAPES[number % len(SHAPES)] for number in range(len(columns))]
    legend = alt.Legend(title=None, orient="bottom", symbolOpacity=1, symbolLimit=0)
    names = [*columns, CHANCE]
    colour = alt.Color(
        "column:N",
        scale=alt.Scale(domain=names, range=[*colours, CHANCE_COLOUR]),
        legend=legend,
    )
    shape = alt.Shape(
        "column:N", scale=alt.Scale(domain=names, range=[*shapes, CHANCE_SHAPE]), legend=legend
    )
    # the chance level has the place in the middle
    middle = len(columns) // 2
    places = [*columns[:middle], CHANCE, *columns[middle:]]
    percent_axis = alt.Axis(format=".0%", tickCount=5, orient="top")
    tooltip = [
        alt.Tooltip("script:N", title="script"),
        alt.Tooltip("languages:N"),
        alt.Tooltip("column:N"),
        alt.Tooltip("accuracy:Q", title="Acc@1", format=".1%"),
        alt.Tooltip("low:Q", title="95 % from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
    ]
    names_axis = alt.Axis(grid=True, labelLimit=135)
    apart = alt.Scale(paddingInner=0.55, paddingOuter=0.3)
    base = alt.Chart(alt.NamedData(dataset)).encode(
        y=alt.Y("script:N", sort=list(scripts), title=None, axis=names_axis, scale=apart),
        yOffset=alt.YOffset("column:N", scale=alt.Scale(domain=places)),
        color=colour,
        tooltip=tooltip,
    )
    title = f"{task_name(task)}, Acc@1"
    x = alt.X("accuracy:Q", title=title, scale=alt.Scale(domain=[0, 1]), axis=percent_axis)
    whiskers = base.mark_rule(strokeWidth=1.5, aria=False).encode(x=alt.X("low:Q"), x2="high:Q")
    points = base.mark_point(filled=True, size=42, opacity=1, aria=False).encode(x=x, shape=shape)
    height = len(scripts) * (ROW_HEIGHT * (len(columns) + 1) + ROW_MARGIN)
    whiskers = whiskers.transform_filter("isValid(datum.low)")
    return alt.layer(whiskers, points).properties(width=300, height=height)


def _means_in_words(columns: Mapping[str, Sequence[RetrievalRecord]], task: str) -> str:
    means = []
    for name, records in columns.items():
        of_task = _of_task(records, task)
        if of_task:
            means.append(f"{100 * mean_metric(of_task, 'acc@1'):.1f} % {name}")
    return f"{task_name(task)} {', '.join(means)}"
