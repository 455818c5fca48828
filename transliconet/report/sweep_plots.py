"""Figures of a sweep: the trade-off between two tasks, and parallel coordinates."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from transliconet.report.maps import COLOURS
from transliconet.report.plots import new_figure
from transliconet.report.sweep_front import WITHIN_LANGUAGE, pareto_front, tradeoff_tasks
from transliconet.sweep.job import DONE, Job, measured_tasks, varied

JOB_COLOUR, FRONT_COLOUR = COLOURS[:2]
LABEL_DISTANCES = (7, 18, 32, 50)
"""Distances of a label from its point that are tried, in pixels."""
LABEL_DIRECTIONS = ((1, -0.5), (1, -1.5), (-1, -0.5), (-1, -1.5), (0, 1), (0, -2))
"""Directions in which they are tried: right and up."""
LEFT_OF = {1: 0.0, -1: -1.0, 0: -0.5}
"""Direction to the right → how far a label begins left of that place, in its own width."""
MOST_TICKS = 8
"""Most values of a setting that parallel coordinates name."""


def plot_tradeoff(jobs: Sequence[Job]) -> Figure:
    """Plot Acc@1 of romanized text over that of native text, with a point for each job and the
    Pareto front emphasized. Jobs at one point share a label.
    """
    front = pareto_front(jobs)
    x_task, y_task = tradeoff_tasks(front[0].accuracies) if front else WITHIN_LANGUAGE
    figure = new_figure(6.4, 5)
    ax = figure.add_subplot()
    at_point: defaultdict[tuple[float, float], list[Job]] = defaultdict(list)
    for job in jobs:
        if job.state == DONE and {x_task, y_task} <= job.accuracies.keys():
            point = (100 * job.accuracies[x_task], 100 * job.accuracies[y_task])
            at_point[point].append(job)
    labels: dict[tuple[float, float], str] = {}
    # points of the front choose the places of their labels first
    for point in sorted(at_point, key=lambda point: at_point[point][0] not in front):
        at = at_point[point]
        on_front = at[0] in front
        marker, colour, size = ("o", FRONT_COLOUR, 9) if on_front else ("s", JOB_COLOUR, 6)
        ax.plot(*point, marker, color=colour, ms=size)
        labels[point] = ", ".join(job.name for job in at)
    ax.set(xlabel=f"{x_task}, Acc@1 (%)", ylabel=f"{y_task}, Acc@1 (%)")
    title = "● Pareto front: no other job is better in one and as good in the other"
    ax.set_title(title, loc="left", fontsize=9, color=FRONT_COLOUR)
    ax.grid(alpha=0.3)
    ax.margins(0.1)
    write_labels(ax, labels)
    return figure


def write_labels(ax: Axes, labels: Mapping[tuple[float, float], str]) -> list[Bbox]:
    """Write labels beside points, so that none covers another or a point. A label for which there
    is no room is left out.

    Args:
        ax: with the points drawn.
        labels: (x, y) → its label, the most important first.

    Returns:
        The boxes of the labels, in pixels.
    """
    figure = ax.figure
    figure.canvas.draw()  # places the axes
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())
    inside = ax.get_window_extent(renderer)
    pixels = ax.transData.transform(np.reshape(list(labels), (-1, 2)))
    taken = [Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in pixels]
    boxes: list[Bbox] = []
    to_points = 72 / figure.dpi
    for (point, label), (x, y) in zip(labels.items(), pixels, strict=True):
        text = ax.annotate(label, point, xytext=(0, 0), textcoords="offset points", fontsize=9)
        width, height = text.get_window_extent(renderer).size
        for box in _places(x, y, width, height):
            outside = not (inside.x0 <= box.x0 and box.x1 <= inside.x1)
            outside = outside or not (inside.y0 <= box.y0 and box.y1 <= inside.y1)
            if outside or any(box.overlaps(other) for other in taken):
                continue
            text.set_position(((box.x0 - x) * to_points, (box.y0 - y) * to_points))
            taken.append(box)
            boxes.append(box)
            break
        else:
            text.remove()
    return boxes


def _places(x: float, y: float, width: float, height: float) -> list[Bbox]:
    """Boxes of a size around a point, near ones first."""
    places = []
    for distance in LABEL_DISTANCES:
        for right, up in LABEL_DIRECTIONS:
            left = x + right * distance + LEFT_OF[right] * width
            bottom = y + up * distance
            places.append(Bbox.from_bounds(left, bottom, width, height))
    return places


def plot_parallel(jobs: Sequence[Job], by: str | None = None) -> Figure | None:
    """Parallel coordinates: an axis for each setting that differs and each task, a line for each
    job that is done. None if nothing differs.

    Args:
        jobs: of a sweep.
        by: the task that colours the lines; None takes the first of :func:`tradeoff_tasks`.
    """
    done = [job for job in jobs if job.state == DONE and job.accuracies]
    keys = varied(done)
    if not done or not keys:
        return None
    task = by or tradeoff_tasks(done[0].accuracies)[0]
    tasks = measured_tasks(done)
    names = [*keys, *tasks]
    figure = new_figure(max(6.4, 1.5 * len(names)), 4.4)
    ax = figure.add_subplot()
    heights = []  # of each axis: job's name → 0 … 1
    for number, name in enumerate(names):
        of_setting = name in keys
        values = {job.name: _value(job, name, of_setting) for job in done}
        placed, ticks = _axis(list(values.values()))
        heights.append(dict(zip(values, placed, strict=True)))
        ax.axvline(number, color="black", lw=0.8)
        for height, label in ticks:
            text = ax.text(number + 0.04, height, label, fontsize=7, va="center", zorder=5)
            text.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1})
    accuracies = [100 * job.accuracies.get(task, 0.0) for job in done]
    scale = Normalize(min(accuracies), max(accuracies))
    colours = colormaps["viridis"]
    for job, accuracy in sorted(zip(done, accuracies, strict=True), key=lambda pair: pair[1]):
        line = [of_axis[job.name] for of_axis in heights]
        ax.plot(range(len(names)), line, color=colours(scale(accuracy)), lw=1.6)
    ax.set_xticks(range(len(names)), list(map(_short, names)), fontsize=8)
    ax.set(xlim=(-0.2, len(names) - 0.5), ylim=(-0.06, 1.06), yticks=[])
    for side in ("left", "right", "top", "bottom"):
        ax.spines[side].set_visible(False)
    bar = figure.colorbar(ScalarMappable(scale, "viridis"), ax=ax, label=f"{task}, Acc@1 (%)")
    bar.ax.tick_params(labelsize=8)
    return figure


def _short(name: str) -> str:
    """The last part of a key; a task in two lines."""
    return name.split(".")[-1].replace("→", "→\n")


def _value(job: Job, name: str, of_setting: bool) -> str | float | None:
    if of_setting:
        return job.settings.get(name, "")
    accuracy = job.accuracies.get(name)
    return None if accuracy is None else 100 * accuracy


def _axis(values: Sequence[str | float | None]) -> tuple[list[float], list[tuple[float, str]]]:
    """The heights of values on an axis from 0 to 1, and the ticks: height and label.

    Accuracies are spread by their size, settings evenly in their order: numbers by their size,
    others by their names.
    """
    if all(isinstance(value, float | None) for value in values):
        numbers = [np.nan if value is None else float(value) for value in values]
        low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
        span = high - low
        if high == low:
            return [0.5] * len(numbers), [(0.5, f"{low:.1f}")]
        heights = [(number - low) / span for number in numbers]
        return heights, [(0.0, f"{low:.1f}"), (1.0, f"{high:.1f}")]
    texts = [str(value) for value in values]
    distinct = sorted(set(texts), key=_order)
    step = 1 / max(len(distinct) - 1, 1)
    places = {text: number * step for number, text in enumerate(distinct)}
    named = distinct
    if len(distinct) > MOST_TICKS:
        named = [distinct[0], distinct[-1]]
    ticks = [(places[text], text or "default") for text in named]
    return [places[text] for text in texts], ticks


def _order(text: str) -> tuple[bool, float, str]:
    try:
        return False, float(text), text
    except ValueError:
        return True, 0.0, text
