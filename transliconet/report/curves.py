"""Curves of a run: loss and accuracy by optimizer step."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from transliconet.errors import DataError, first_line
from transliconet.report.colours import COLOURS, by_group
from transliconet.report.figure import Figure, Layout, Row
from transliconet.report.names import task_name

if TYPE_CHECKING:
    import altair as alt

MOST_CURVES = 200
"""A file ``metrics.csv`` with more columns than this is damaged."""
MOST_POINTS = 400
"""Of a curve: of longer ones, means of neighbouring points are drawn."""
SMOOTHED_SHARE, LEAST_SMOOTHED = 0.1, 20
"""Share of a curve's points whose mean a smoothed one is, and the fewest that are smoothed."""
Curve = list[tuple[int, float]]
"""(optimizer step, value)."""


def training_curves(folder: Path) -> Figure | None:
    """Loss and its parts, each on an axis of its own, and probe accuracies by optimizer step.

    Losses are faint, their moving averages strong. Where several layers are probed, the highest
    one is drawn.

    Args:
        folder: of a run, with a ``metrics.csv``.

    Returns:
        None without that file, or if nothing in it has two points.

    Raises:
        DataError: the file is damaged.
    """
    file = Path(folder) / "metrics.csv"
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
    losses = [column for column in curves if column.startswith("loss")]
    probes = [column for column in curves if column.startswith("probe/")]
    if not curves:
        return None
    panels = [_loss_panel(column) for column in losses]
    datasets = {column: curve_rows(curves[column]) for column in losses}
    if probes:
        panels.append(_probe_panel([_probe_name(column) for column in probes]))
        datasets["probe"] = _probe_rows({column: curves[column] for column in probes})
    layout = Layout(entry=200)
    return Figure("training", _in_words(curves), panels, datasets, layout=layout)


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


def curve_rows(curve: Curve) -> list[Row]:
    """A curve of at most :data:`MOST_POINTS` points with its moving average."""
    steps, values = np.array(curve, dtype=float).T  # (N,) each
    smoothed = moving_average(values)
    parts = min(len(curve), MOST_POINTS)
    rows = []
    columns = (np.array_split(column, parts) for column in (steps, values, smoothed))
    for of_steps, of_values, of_smoothed in zip(*columns, strict=True):
        rows.append(
            {
                "step": int(of_steps[-1]),
                "value": _rounded(float(of_values.mean())),
                "smoothed": _rounded(float(of_smoothed.mean())),
            }
        )
    return rows


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def moving_average(values: np.ndarray) -> np.ndarray:
    """The mean of each value and its neighbours; short
    curves stay as they are.

    >>> moving_average(np.array([3.0, 1.0]))
    array([3., 1.])
    """
    if len(values) < LEAST_SMOOTHED:
        return values
    from scipy.signal import savgol_filter

    half = max(1, round(SMOOTHED_SHARE * len(values) / 2))
    # at the ends, a line through the last values: a mean would begin a falling curve too low
    return np.asarray(savgol_filter(values, 2 * half + 1, polyorder=1, mode="interp"))


def _probe_name(column: str) -> str:
    """``probe/native→romanized@8`` in words: ``Native → romanized, layer 8``."""
    task, at, layer = column.removeprefix("probe/").partition("@")
    return f"{task_name(task)}, layer {layer}" if at else task_name(task)


def _probe_rows(curves: Mapping[str, Curve]) -> list[Row]:
    rows = []
    for column, curve in curves.items():
        for step, value in curve:
            task = _probe_name(column)
            rows.append({"step": step, "task": task, "accuracy": round(value, 4)})
    return rows


def _loss_panel(column: str) -> "alt.LayerChart":
    import altair as alt

    title = "loss, all parts" if column == "loss" else column.removeprefix("loss/")
    x = alt.X("step:Q", title="optimizer step", axis=alt.Axis(tickCount=4, format=",d"))
    y_scale = alt.Scale(zero=False)
    tooltip = [
        alt.Tooltip("step:Q", title="optimizer step"),
        alt.Tooltip("value:Q", title=title, format=".4~g"),
        alt.Tooltip("smoothed:Q", format=".4~g"),
    ]
    base = alt.Chart(alt.NamedData(column)).encode(x=x, tooltip=tooltip)
    raw = base.mark_line(strokeWidth=1, opacity=0.35, color=COLOURS[0], aria=False)
    smoothed = base.mark_line(strokeWidth=2.2, color=COLOURS[0], aria=False)
    y = alt.Y("value:Q", title=None, scale=y_scale)
    layers = alt.layer(raw.encode(y=y), smoothed.encode(y=alt.Y("smoothed:Q", title=None)))
    return layers.properties(title=title, width=300, height=170)


def _probe_panel(tasks: Sequence[str]) -> "alt.LayerChart":
    import altair as alt

    x = alt.X("step:Q", title="optimizer step", axis=alt.Axis(tickCount=4, format=",d"))
    y = alt.Y("accuracy:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%"))
    tooltip = [
        alt.Tooltip("task:N"),
        alt.Tooltip("step:Q", title="optimizer step"),
        alt.Tooltip("accuracy:Q", title="Acc@1", format=".1%"),
    ]
    base = alt.Chart(alt.NamedData("probe")).encode(x=x, y=y, tooltip=tooltip)
    base = base.encode(**by_group("task", tasks, label_limit=260))
    layers = alt.layer(
        base.mark_line(strokeWidth=2, aria=False),
        base.mark_point(filled=True, size=45, aria=False),
    )
    return layers.properties(title="Acc@1 of held-out pairs", width=300, height=170)


def _in_words(curves: Mapping[str, Curve]) -> str:
    """First and last value of each curve."""
    parts = []
    for column, curve in curves.items():
        first, last = curve[0][1], curve[-1][1]
        if column.startswith("probe/"):
            name = f"Acc@1, {_probe_name(column)}"
            parts.append(f"{name} from {100 * first:.1f} % to {100 * last:.1f} %")
        else:
            parts.append(f"{column} from {first:.3g} to {last:.3g}")
    return f"Curves by optimizer step: {'; '.join(parts)}."
