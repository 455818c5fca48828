"""The trade-off between two tasks in a sweep."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from transliconet.report.figure import Figure, Layout, Row
from transliconet.report.labels import OFFSETS, Plane, Point, place_labels
from transliconet.report.names import task_name
from transliconet.report.sweep_front import WITHIN_LANGUAGE, pareto_front, tradeoff_tasks
from transliconet.sweep.job import DONE, Job, varied

if TYPE_CHECKING:
    import altair as alt

HEIGHT = 330
WIDTHS = (230.0, 1000.0)
"""Of the plot, at which labels have room: a phone, a page."""
MOST_NAMES = 3
"""Jobs at one point that a label names."""
FRONT, OTHER = "Pareto front", "other jobs"
FRONT_COLOUR = "var(--series-2)"


def plot_tradeoff(jobs: Sequence[Job]) -> Figure:
    """Plot Acc@1 of romanized text over that of native text, with a point for each job.

    The Pareto front is emphasized and joined: no other job is better in one and as good in the
    other. Its jobs are labelled where there is room at any width; the pointer shows all, with
    their settings.

    Args:
        jobs: of a sweep.
    """
    front = pareto_front(jobs)
    x_task, y_task = tradeoff_tasks(front[0].accuracies) if front else WITHIN_LANGUAGE
    at_point: defaultdict[Point, list[Job]] = defaultdict(list)
    for job in jobs:
        if job.state == DONE and {x_task, y_task} <= job.accuracies.keys():
            at_point[job.accuracies[x_task], job.accuracies[y_task]].append(job)
    on_front = {(job.accuracies[x_task], job.accuracies[y_task]) for job in front}
    labels = {point: job_names(at_point[point]) for point in sorted(on_front)}
    plane = _plane(list(at_point))
    offsets = place_labels(labels, list(at_point), plane)
    keys = varied(jobs)
    rows = []
    for point, at in at_point.items():
        row: Row = {"x": point[0], "y": point[1], "kind": OTHER}
        if point in on_front:
            row["kind"] = FRONT
        if point in offsets:
            row |= {"label": labels[point], "offset": OFFSETS.index(offsets[point])}
        row["job"] = ", ".join(job.name for job in at)
        row["settings"] = "; ".join(job_settings(job, keys) for job in at)
        rows.append(row)
    used = sorted({row["offset"] for row in rows if "offset" in row})
    panel = _panel((x_task, y_task), plane, used)
    measured = sum(map(len, at_point.values()))
    description = (
        f"Acc@1, {task_name(y_task)} over {task_name(x_task)}, a point for each of {measured} "
        f"jobs. On the Pareto front: {', '.join(job.name for job in front) or 'none'}."
    )
    layout = Layout(margin=75, entry=140)
    return Figure("tradeoff", description, [panel], {"jobs": rows}, layout=layout)


def job_names(jobs: Sequence[Job]) -> str:
    """The label of the jobs at a point: ``0, 38, 39``; of many, ``0, 1, 2 + 5``."""
    names = ", ".join(job.name for job in jobs[:MOST_NAMES])
    more = len(jobs) - MOST_NAMES
    return f"{names} + {more}" if more > 0 else names


def job_settings(job: Job, keys: Sequence[str]) -> str:
    """The settings of a job that differ between jobs: ``lr=1e-4 seed=0``."""
    settings = job.settings
    return " ".join(f"{key.split('.')[-1]}={settings[key]}" for key in keys if key in settings)


def _plane(points: Sequence[Point]) -> Plane:
    xs = [x for x, _ in points]
    ys = [y for _, y in points]
    return Plane(_limits(xs), _limits(ys), WIDTHS, HEIGHT)


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """Ends of an axis, with some room on both sides for labels."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = 0.18 * (high - low) or 0.05
    return low - room, high + room


def _panel(tasks: tuple[str, str], plane: Plane, offsets: Sequence[int]) -> "alt.LayerChart":
    import altair as alt

    axis = alt.Axis(format=".1%", tickCount=5, labelSeparation=6)
    x_scale = alt.Scale(domain=list(plane.x), nice=False, zero=False)
    y_scale = alt.Scale(domain=list(plane.y), nice=False, zero=False)
    x = alt.X("x:Q", title=f"{task_name(tasks[0])}, Acc@1", axis=axis, scale=x_scale)
    y = alt.Y("y:Q", title=f"{task_name(tasks[1])}, Acc@1", axis=axis, scale=y_scale)
    legend = alt.Legend(title=None, orient="bottom", symbolOpacity=1)
    kinds = [FRONT, OTHER]
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=kinds, range=[FRONT_COLOUR, "var(--series-1)"]),
        legend=legend,
    )
    shape = alt.Shape(
        "kind:N", scale=alt.Scale(domain=kinds, range=["circle", "square"]), legend=legend
    )
    tooltip = [
        alt.Tooltip("job:N"),
        alt.Tooltip("settings:N"),
        alt.Tooltip("x:Q", title=task_name(tasks[0]), format=".1%"),
        alt.Tooltip("y:Q", title=task_name(tasks[1]), format=".1%"),
    ]
    base = alt.Chart(alt.NamedData("jobs")).encode(x=x, y=y, tooltip=tooltip)
    front = base.transform_filter(alt.datum.kind == FRONT)
    line = front.mark_line(color=FRONT_COLOUR, strokeDash=[4, 3], strokeWidth=1.2, aria=False)
    layers = [
        line.encode(order="x:Q"),
        base.mark_point(filled=True, size=70, opacity=0.9, aria=False).encode(
            color=colour, shape=shape
        ),
    ]
    for number in offsets:
        layers.append(_labels(base, number))
    return alt.layer(*layers).properties(width=300, height=HEIGHT)


def _labels(base: "alt.Chart", number: int) -> "alt.Chart":
    """The labels at one of :data:`OFFSETS`, which is the same for all of a layer."""
    import altair as alt

    dx, dy = OFFSETS[number]
    align = {1: "left", 0: "center", -1: "right"}[(dx > 0) - (dx < 0)]
    of_offset = base.transform_filter(alt.datum.offset == number)
    text = of_offset.mark_text(
        dx=dx, dy=dy, align=align, baseline="middle", fontSize=11, aria=False
    )
    return text.encode(text="label:N")
