"""The figures of a report page, as SVG with text that can be searched and read aloud."""

import csv
import io
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from transliconet.errors import DataError, first_line
from transliconet.probe.record import RetrievalRecord
from transliconet.probe.sample import ROMANIZED_GROUP, Sample, script_similarities
from transliconet.report.maps import COLOURS, MARKERS, plot_maps
from transliconet.report.plots import new_figure
from transliconet.report.tables import mean_metric, mean_of_metric, task_layers

LINE_STYLES = ("-", "--", ":", "-.")
MOST_CURVES = 200
"""A file ``metrics.csv`` with more columns than this is damaged."""
MOST_SCRIPTS_WITH_NUMBERS = 14


def svg_of(figure: Figure) -> str:
    """The figure as an ``<svg>`` element that scales to its column."""
    text = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "transliconet"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :]


def layer_curves(columns: Mapping[str, Sequence[RetrievalRecord]]) -> Figure | None:
    """Acc@1 and MEXA by hidden layer, means over languages: one line for each task and column of
    the report. None if only one layer was probed.
    """
    every = [record for records in columns.values() for record in records]
    layers = {record.layer for record in every}
    if len(layers) < 2:
        return None
    tasks = list(dict.fromkeys(task for task, _ in task_layers(every)))
    curves = len(task_layers(every)) // len(layers) * len(columns)
    figure = new_figure(7.2, 3.0 + 0.1 * curves)  # the legend, of two columns, stands below
    accuracy_axes, mexa_axes = figure.subplots(1, 2, sharex=True)
    for column, (name, records) in enumerate(columns.items()):
        for number, task in enumerate(tasks):
            by_layer: defaultdict[int, list[RetrievalRecord]] = defaultdict(list)
            for record in records:
                if record.task == task:
                    by_layer[record.layer].append(record)
            x = sorted(by_layer)
            accuracies = [mean_metric(by_layer[layer], "acc@1") for layer in x]
            mexa = [mean_of_metric(by_layer[layer], "mexa") for layer in x]
            style = {
                # a task has one colour in every column
                "color": COLOURS[number % len(COLOURS)],
                "marker": MARKERS[number % len(MARKERS)],
                "linestyle": ("--", "-", ":", "-.")[column % 4],
                "ms": 4,
            }
            accuracy_axes.plot(x, accuracies, label=f"{name}: {task}", **style)
            mexa_axes.plot(x, mexa, **style)
    for ax, metric in ((accuracy_axes, "Acc@1"), (mexa_axes, "MEXA")):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set(xlabel="hidden layer", ylabel=f"{metric}, mean over languages", ylim=(0, 1.02))
        ax.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure


Curve = list[tuple[int, float]]
"""(optimizer step, value)."""


def training_curves(folder: Path) -> Figure | None:
    """Loss terms and probe accuracies by optimizer step, from ``metrics.csv``; None without that
    file. Where several layers are probed, the highest one is drawn.

    Raises:
        DataError: the file is damaged.
    """
    file = folder / "metrics.csv"
    if not file.is_file():
        return None
    try:
        curves = _read_curves(file)
    except (OSError, ValueError, OverflowError, KeyError, TypeError, csv.Error) as error:
        raise DataError(
            file,
            f"not a table of metrics ({first_line(error)})",
            "Remove it to write the report without curves",
            code="TLN-DATA-903",
        ) from error
    curves = _of_highest_layer(curves)
    kinds = {column.split("/")[0] for column in curves}
    panels = [panel for panel in ("loss", "probe") if panel in kinds]
    if not panels:
        return None
    figure = new_figure(7.2, 3.6)
    all_axes = np.atleast_1d(figure.subplots(1, len(panels)))
    for ax, panel in zip(all_axes, panels, strict=True):
        _draw_curves(ax, {c: curve for c, curve in curves.items() if c.startswith(panel)})
        ax.set(xlabel="optimizer step", ylabel="Acc@1" if panel == "probe" else panel)
    return figure


def _read_curves(file: Path) -> dict[str, Curve]:
    """The points of each column that is drawn."""
    with file.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        columns = [column for column in reader.fieldnames or () if _is_drawn(column)]
        if len(columns) > MOST_CURVES:
            raise ValueError(f"{len(columns)} columns")
        curves: dict[str, Curve] = {column: [] for column in columns}
        for row in reader:
            for column in columns:
                if not row.get(column):
                    continue  # not every step logs every metric
                value = float(row[column])
                if math.isfinite(value):
                    curves[column].append((_step(row["step"]), value))
    return curves


def _step(text: str) -> int:
    step = int(text)
    if not 0 <= step < 10**12:
        raise ValueError(f"step {step}")
    return step


def _is_drawn(column: str) -> bool:
    if column == "probe/train_seconds":
        return False
    return column == "loss" or column.startswith(("loss/", "probe/"))


def _of_highest_layer(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """The curves that have two points or more; of several layers, those of the highest one."""
    layers = {}
    for column in curves:
        _, at, layer = column.rpartition("@")
        if at and layer.isdecimal():
            layers[column] = int(layer[:9])
    highest = max(layers.values(), default=0)
    chosen = {}
    for column, curve in curves.items():
        if len(curve) > 1 and layers.get(column, highest) == highest:
            chosen[column] = curve
    return chosen


def _draw_curves(ax: Axes, curves: Mapping[str, Curve]) -> None:
    for number, (column, curve) in enumerate(curves.items()):
        steps, values = zip(*curve, strict=True)
        style = LINE_STYLES[number // len(COLOURS) % len(LINE_STYLES)]
        colour = COLOURS[number % len(COLOURS)]
        ax.plot(steps, values, style, color=colour, lw=1.2, label=column.removeprefix("probe/"))
    ax.legend(frameon=False, fontsize=8)
    ax.grid(alpha=0.3)


def script_map(sample: Sample, stage: str) -> Figure:
    """Sentences in two dimensions, one colour a script, the romanized ones in grey beneath."""
    return script_maps(sample, [stage])


def script_maps(sample: Sample, stages: Sequence[str] | None = None) -> Figure:
    """:func:`script_map` of several stages side by side; by default, all of the sample."""
    groups = {stage: sample.by_script(stage) for stage in stages or sample.vectors}
    return plot_maps(groups, background=ROMANIZED_GROUP)


def similarity_map(sample: Sample, stage: str) -> Figure:
    """Mean cosine between scripts, as a heat map with its numbers."""
    return similarity_maps(sample, [stage])


def similarity_maps(sample: Sample, stages: Sequence[str] | None = None) -> Figure:
    """:func:`similarity_map` of several stages on one colour scale; by default, all of the
    sample.
    """
    matrices = {stage: script_similarities(sample, stage) for stage in stages or sample.vectors}
    lowest = min(float(means.min()) for _, means in matrices.values())
    highest = max(float(means.max()) for _, means in matrices.values())
    cell = 0.42 if len(matrices) == 1 else 0.34  # inches
    size = 1.6 + cell * max(len(names) for names, _ in matrices.values())
    figure = new_figure(size * len(matrices) + 0.8, size)
    panels = figure.subplots(1, len(matrices), squeeze=False)[0]
    for ax, (stage, (names, means)) in zip(panels, matrices.items(), strict=True):
        image = ax.imshow(means, cmap="cividis", vmin=lowest, vmax=highest)
        ax.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=8)
        ax.set_yticks(range(len(names)), names, fontsize=8)
        ax.set_title(stage, loc="left")
        if len(names) <= MOST_SCRIPTS_WITH_NUMBERS:
            _write_numbers(ax, means, middle=(highest + lowest) / 2)
    figure.colorbar(image, ax=panels.tolist(), label="mean cosine")
    return figure


def _write_numbers(ax: Axes, means: np.ndarray, middle: float) -> None:
    """Write each value of a heat map into its cell, dark on light or light on dark."""
    for (row, column), value in np.ndenumerate(means):
        colour = "black" if value > middle else "white"
        number = f"{value:.2f}".replace("0.", ".")
        ax.text(column, row, number, ha="center", va="center", fontsize=6, color=colour)
