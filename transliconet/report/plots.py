"""Scores of each script as a figure for notebooks and papers."""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from transliconet.errors import require_choice
from transliconet.probe.record import RetrievalRecord
from transliconet.probe.results import Records
from transliconet.report.figure import Figure, Layout
from transliconet.report.names import task_name
from transliconet.report.script_charts import (
    highest_layers,
    row_names,
    scale_end,
    score_chart,
    script_rows,
)
from transliconet.report.tables import mean_metric, percent, select_task

MOST_TASKS = 4


def plot_before_after(
    records: Records, path: str | Path | None = None, task: str | None = None
) -> Figure:
    """Acc@1 of each script before and after training, with 95 % intervals and the chance level.

    Args:
        records: of ``before`` and ``after``.
        path: a file to write: ``.pdf``, ``.svg`` or ``.png``; None leaves the figure to the
            notebook.
        task: name of the task to show; None shows up to four.

    Raises:
        ConfigError: there is no such task.
    """
    columns = {stage: records[stage] for stage in ("before", "after")}
    figure = scores_by_script(columns, None if task is None else [task])
    if path is not None:
        figure.save(path)
    return figure


def scores_by_script(
    columns: Mapping[str, Sequence[RetrievalRecord]], tasks: Sequence[str] | None = None
) -> Figure:
    """Scores of each script, a panel for each task; the highest layer, if there are several.

    Args:
        columns: name → records, such as those of ``before`` and ``after``.
        tasks: to show; None shows the first four.

    Raises:
        ConfigError: there is no such task.
    """
    layers = dict(highest_layers(chain.from_iterable(columns.values())))
    shown = list(tasks or list(layers)[:MOST_TASKS])
    rows, means = {}, []
    for task in shown:
        require_choice("task", task, layers)
        of_task = {}
        for name, records in columns.items():
            of_task[name] = select_task(records, task, layers[task])
        rows[task] = script_rows(of_task)
        means.append(_means_in_words(task, of_task))
    # one scale and one order of scripts in all panels
    end = scale_end(chain.from_iterable(rows.values()))
    order = row_names(chain.from_iterable(rows.values()))
    panels = []
    for task, of_panel in rows.items():
        of_panel.sort(key=lambda row: order.index(row["row"]))
        panel = score_chart(of_panel, list(columns), end)
        panels.append(panel.properties(title=task_name(task), width=300))
    description = (
        f"Scores by script, with 95 % intervals. Means over languages: {'; '.join(means)}."
    )
    # a panel has the names of scripts beside it
    layout = Layout(margin=200, narrowest=460)
    return Figure("scripts", description, panels, {}, layout=layout)


def _means_in_words(task: str, columns: Mapping[str, Sequence[RetrievalRecord]]) -> str:
    means = []
    for name, records in columns.items():
        if records:
            means.append(f"{percent(mean_metric(records, 'acc@1'))} % {name}")
    return f"{task_name(task)} {', '.join(means)}"
