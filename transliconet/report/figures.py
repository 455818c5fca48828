"""The figures of a report page, as SVG text with real letters (found by search, read aloud)."""

import csv
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from transliconet.probe.record import RetrievalRecord
from transliconet.probe.sample import ROMANIZED_GROUP, Sample, script_similarities
from transliconet.report.maps import COLOURS, MARKERS, plot_maps
from transliconet.report.plots import blank
from transliconet.report.tables import tasks_of


def svg_of(figure: Figure) -> str:
    """The figure as an ``<svg>`` element that scales to its column."""
    text = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "transliconet"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :]


def layer_curves(columns: Mapping[str, Sequence[RetrievalRecord]]) -> Figure | None:
    """Mean Acc@1 and MEXA over languages against the hidden layer, one line a task and column; None
    for one layer.
    """
    layers = sorted({r.layer for records in columns.values() for r in records})
    if len(layers) < 2:
        return None
    curves = (
        len(tasks_of(r for records in columns.values() for r in records))
        // len(layers)
        * len(columns)
    )
    figure = blank(7.2, 3.0 + 0.1 * curves)  # the legend, of two columns, stands below
    axes = figure.subplots(1, 2, sharex=True)
    tasks = list(
        dict.fromkeys(
            task for task, _ in tasks_of(r for records in columns.values() for r in records)
        )
    )
    for column, (name, records) in enumerate(columns.items()):
        for number, task in enumerate(tasks):
            of_layer = defaultdict(list)
            for record in records:
                if record.task == task:
                    of_layer[record.layer].append(record)
            style = {
                "color": COLOURS[number % len(COLOURS)],
                "marker": MARKERS[number % len(MARKERS)],
                "ms": 4,
            }
            style["linestyle"] = ("--", "-", ":", "-.")[
                column % 4
            ]  # a task has one colour in every column
            x = sorted(of_layer)
            axes[0].plot(
                x,
                [fmean(r.acc[1] for r in of_layer[n]) for n in x],
                label=f"{name}: {task}",
                **style,
            )
            axes[1].plot(
                x, [fmean(r.measures.get("mexa", np.nan) for r in of_layer[n]) for n in x], **style
            )
    for ax, what in zip(axes, ("Acc@1", "MEXA"), strict=True):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set(xlabel="hidden layer", ylabel=f"{what}, mean over languages", ylim=(0, 1.02))
        ax.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure


def training_curves(folder: Path) -> Figure | None:
    """Every loss term, and what was probed, against the optimizer step, from ``metrics.csv``; None
    without it.

    Of several probed layers, ``TASK@LAYER``, the highest is drawn.
    """
    file = folder / "metrics.csv"
    if not file.is_file():
        return None
    with file.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    curves = {
        column: [(int(row["step"]), float(row[column])) for row in rows if row.get(column)]
        for column in (rows[0] if rows else {})
        if column == "loss"
        or (column.startswith(("loss/", "probe/")) and column != "probe/train_seconds")
    }
    highest = max((int(column.rpartition("@")[2]) for column in curves if "@" in column), default=0)
    curves = {
        column: points
        for column, points in curves.items()
        if len(points) > 1 and ("@" not in column or column.endswith(f"@{highest}"))
    }
    if not curves:
        return None
    figure = blank(7.2, 3.6)
    panels = [p for p in ("loss", "probe") if any(c.startswith(p) for c in curves)]
    for ax, panel in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels, strict=True):
        for number, column in enumerate(c for c in curves if c.startswith(panel)):
            x, y = zip(*curves[column], strict=True)
            style = ("-", "--", ":", "-.")[number // len(COLOURS) % 4]
            ax.plot(
                x,
                y,
                style,
                color=COLOURS[number % len(COLOURS)],
                lw=1.2,
                label=column.removeprefix("probe/"),
            )
        ax.set(xlabel="optimizer step", ylabel="Acc@1" if panel == "probe" else panel)
        ax.legend(frameon=False, fontsize=8)
        ax.grid(alpha=0.3)
    return figure


def script_map(sample: Sample, stage: str) -> Figure:
    """Sentences in two dimensions, one colour a script, the romanized ones in grey beneath."""
    return script_maps(sample, [stage])


def script_maps(sample: Sample, stages: Sequence[str] | None = None) -> Figure:
    """:func:`script_map` of several stages, all that the sample has by default."""
    return plot_maps(
        {stage: sample.by_script(stage) for stage in stages or sample.vectors},
        faint=ROMANIZED_GROUP,
    )


def similarity_map(sample: Sample, stage: str) -> Figure:
    """Mean cosine between scripts, as a heat map with its numbers."""
    return similarity_maps(sample, [stage])


def similarity_maps(sample: Sample, stages: Sequence[str] | None = None) -> Figure:
    """:func:`similarity_map` of several stages, all that the sample has by default, in the same
    colours.
    """
    found = {stage: script_similarities(sample, stage) for stage in stages or sample.vectors}
    lowest, highest = (
        pick([pick(means) for _, means in found.values()]) for pick in (np.min, np.max)
    )
    cell = 0.42 if len(found) == 1 else 0.34
    size = 1.6 + cell * max(len(names) for names, _ in found.values())
    figure = blank(size * len(found) + 0.8, size)
    panels = figure.subplots(1, len(found), squeeze=False)[0]
    for ax, (stage, (names, means)) in zip(panels, found.items(), strict=True):
        image = ax.imshow(means, cmap="cividis", vmin=lowest, vmax=highest)
        ax.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=8)
        ax.set_yticks(range(len(names)), names, fontsize=8)
        ax.set_title(stage, loc="left")
        for (i, j), value in np.ndenumerate(means if len(names) <= 14 else means[:0]):
            ink = "black" if value > (highest + lowest) / 2 else "white"
            ax.text(
                j,
                i,
                f"{value:.2f}".replace("0.", "."),
                ha="center",
                va="center",
                fontsize=6,
                color=ink,
            )
    figure.colorbar(image, ax=panels.tolist(), label="mean cosine")
    return figure
