"""Parallel coordinates of a sweep's jobs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from transliconet.report.colours import SEQUENTIAL
from transliconet.report.figure import Figure, Layout, Row
from transliconet.report.names import task_name
from transliconet.report.sweep_front import tradeoff_tasks
from transliconet.report.sweep_plots import job_settings
from transliconet.sweep.job import DONE, Job, measured_tasks, varied

if TYPE_CHECKING:
    import altair as alt

MOST_TICKS = 8
"""Most values of a setting that an axis names."""
AXIS_WIDTH = 125
"""Room for an axis and its labels, in pixels."""
MOST_CHARACTERS = 15
"""Of the label of a value."""


def plot_parallel(jobs: Sequence[Job], by: str | None = None) -> Figure | None:
    """Parallel coordinates: an axis for each setting that differs and each task, a line for each
    job that is done. The job under the pointer stands out.

    Args:
        jobs: of a sweep.
        by: the task that colours the lines; None takes the first of
            :func:`transliconet.report.sweep_front.tradeoff_tasks`.

    Returns:
        None if nothing differs.
    """
    done = [job for job in jobs if job.state == DONE and job.accuracies]
    keys = varied(done)
    if not done or not keys:
        return None
    task = by or tradeoff_tasks(done[0].accuracies)[0]
    names = [*keys, *measured_tasks(done)]
    rows: list[Row] = []
    for job in done:
        row: Row = {"job": job.name, "settings": job_settings(job, keys)}
        rows.append(row | {"accuracy": job.accuracies.get(task)})
    ticks: list[Row] = []
    for number, name in enumerate(names):
        heights: Sequence[float | None]
        if name in keys:
            heights, labels = setting_axis([job.settings.get(name, "") for job in done])
        else:
            heights, labels = task_axis([job.accuracies.get(name) for job in done])
        for row, height in zip(rows, heights, strict=True):
            if height is not None:  # the line passes over a task that the job lacks
                row[f"{number}"] = round(height, 4)
        for height, label in labels:
            ticks.append({"axis": number, "height": height, "label": _short(label)})
    axes = []
    for number, name in enumerate(names):
        axes.append({"axis": number, "bottom": 0, "top": 1, "name": _lines_of(name)})
    datasets = {"jobs": rows, "ticks": ticks, "axes": axes}
    panel = _panel(len(names), task)
    layout = Layout(narrowest=AXIS_WIDTH * len(names) + 40, fixed=True)
    description = (
        f"Parallel coordinates of {len(done)} jobs: {', '.join(names)}. Lines are coloured by "
        f"Acc@1, {task_name(task)}."
    )
    selections = [{"name": "hovered", "select": HOVER}]
    return Figure("settings", description, [panel], datasets, layout=layout, params=selections)


HOVER = {"type": "point", "fields": ["job"], "on": "pointerover", "clear": "pointerout"}


def setting_axis(values: Sequence[str]) -> tuple[list[float], list[tuple[float, str]]]:
    """The heights of a setting's values on an axis from 0 to 1, evenly in their order: numbers by
    their size, then others by their names. And its ticks: height and label.

    >>> setting_axis(["10", "9"])
    ([1.0, 0.0], [(0.0, '9'), (1.0, '10')])
    """
    distinct = sorted(set(values), key=_order)
    step = 1 / max(len(distinct) - 1, 1)
    places = {value: number * step for number, value in enumerate(distinct)}
    named = distinct
    if len(distinct) > MOST_TICKS:
        named = [distinct[0], distinct[-1]]
    ticks = [(places[value], value or "default") for value in named]
    return [places[value] for value in values], ticks


def task_axis(
    accuracies: Sequence[float | None],
) -> tuple[list[float | None], list[tuple[float, str]]]:
    """The heights of accuracies on an axis from 0 to 1, spread by their size; and its ticks.

    >>> task_axis([0.2, None, 0.4])
    ([0.0, None, 1.0], [(0.0, '20.0 %'), (1.0, '40.0 %')])
    """
    known = [accuracy for accuracy in accuracies if accuracy is not None]
    low, high = min(known), max(known)
    heights: list[float | None] = []
    for accuracy in accuracies:
        if accuracy is None:
            heights.append(None)
        else:
            heights.append((accuracy - low) / (high - low) if high > low else 0.5)
    if high == low:
        return heights, [(0.5, f"{100 * low:.1f} %")]
    return heights, [(0.0, f"{100 * low:.1f} %"), (1.0, f"{100 * high:.1f} %")]


def _order(text: str) -> tuple[bool, float, str]:
    try:
        return False, float(text), text
    except ValueError:
        return True, 0.0, text


def _short(label: str) -> str:
    return label if len(label) <= MOST_CHARACTERS else label[: MOST_CHARACTERS - 1] + "…"


def _lines_of(name: str) -> list[str]:
    """The last part of a key; a task in two lines."""
    if "→" not in name:
        return ["", _short(name.split(".")[-1])]
    source, _, target = task_name(name).partition("→")
    return [f"{source}→", target]


def _panel(number_of_axes: int, task: str) -> "alt.LayerChart":
    import altair as alt

    hovered = alt.selection_point("hovered", empty=False)
    # on the right of an axis stand its labels
    x_scale = alt.Scale(domain=[-0.1, number_of_axes - 0.3], nice=False, zero=False)
    y_scale = alt.Scale(domain=[-0.05, 1.25], nice=False, zero=False)
    x = alt.X("axis:Q", axis=None, scale=x_scale)
    y = alt.Y("height:Q", axis=None, scale=y_scale)
    axes = alt.Chart(alt.NamedData("axes")).encode(x=x)
    bottom, top = (alt.Y(f"{end}:Q", axis=None, scale=y_scale) for end in ("bottom", "top"))
    rules = axes.mark_rule(strokeWidth=1, aria=False).encode(y=bottom, y2="top:Q")
    heads = axes.mark_text(align="center", baseline="bottom", fontSize=11, aria=False, dy=-36)
    heads = heads.encode(y=top, text="name:N")
    legend = alt.Legend(
        title=f"{task_name(task)}, Acc@1",
        orient="bottom",
        format=".1%",
        gradientLength=220,
        titleLimit=300,
    )
    # neither so dark nor so light that a line vanishes
    scheme = alt.SchemeParams(SEQUENTIAL, extent=[0.2, 0.9])
    jobs = alt.Chart(alt.NamedData("jobs"))
    folded = jobs.transform_fold([str(n) for n in range(number_of_axes)], as_=["axis", "height"])
    folded = folded.transform_filter("isValid(datum.height)")
    lines = (
        folded.transform_calculate(axis="toNumber(datum.axis)")
        .mark_line(aria=False)
        .encode(
            x=x,
            y=y,
            detail="job:N",
            color=alt.Color("accuracy:Q", scale=alt.Scale(scheme=scheme), legend=legend),
            strokeWidth=alt.when(hovered).then(alt.value(5)).otherwise(alt.value(1.6)),
            opacity=alt.when(hovered).then(alt.value(1)).otherwise(alt.value(0.6)),
            tooltip=[
                alt.Tooltip("job:N"),
                alt.Tooltip("settings:N"),
                alt.Tooltip("accuracy:Q", title=task_name(task), format=".1%"),
            ],
        )
    )
    ticks = alt.Chart(alt.NamedData("ticks")).mark_text(
        align="left", baseline="bottom", dx=4, dy=-2, fontSize=11, aria=False
    )
    ticks = ticks.encode(x=x, y=y, text="label:N")
    layers = alt.layer(rules, lines, heads, ticks)
    return layers.properties(width=AXIS_WIDTH * number_of_axes, height=300)
