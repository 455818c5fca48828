"""Bar plots of scores before and after training, and the figures that all plots are drawn on."""

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from transliconet.probe.record import RetrievalRecord
from transliconet.probe.results import Records
from transliconet.report.tables import ALL, group_records, mean_chance, mean_metric, script_of
from transliconet.storage import atomic_file

# Okabe and Ito's colours, which colour-blind readers can tell apart
BEFORE_COLOUR, AFTER_COLOUR, CHANCE_COLOUR = "#c7c7c7", "#0072b2", "#d55e00"


class NotebookFigure(Figure):
    """A figure that a notebook can show. IPython by itself only shows figures of pyplot."""

    def _repr_png_(self) -> bytes:
        png = io.BytesIO()
        self.savefig(png, format="png", dpi=100)
        return png.getvalue()


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, sizes in inches. It does not use pyplot, which would change a notebook's
    backend.
    """
    figure = NotebookFigure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure as an image file, of the format that the suffix names; PNG without one."""
    image_format = Path(path).suffix[1:] or "png"
    with atomic_file(path) as partial:
        figure.savefig(partial, format=image_format, dpi=120)


def plot_before_after(
    records: Records, path: str | Path | None = None, task: str = "native→romanized"
) -> Figure:
    """Acc@1 of each script before and after training, with the chance level.

    Args:
        records: of ``before`` and ``after``.
        path: an image file to write; None leaves the figure to the notebook.
        task: name of the task to show.
    """
    before = _by_script(records["before"], task)
    after = _by_script(records["after"], task)
    overall_before = mean_metric(before.pop(ALL), "acc@1")
    overall_after = mean_metric(after.pop(ALL), "acc@1")
    means_after = {script: mean_metric(of_script, "acc@1") for script, of_script in after.items()}
    means_before = {script: mean_metric(before.get(script, []), "acc@1") for script in after}
    scripts = sorted(after, key=means_after.__getitem__)  # the best on top
    chance = [mean_chance(after[script]) for script in scripts]

    rows = np.arange(len(scripts))
    figure = new_figure(7, 1.6 + 0.26 * len(scripts))
    ax = figure.add_subplot()
    widths_after = [means_after[script] for script in scripts]
    widths_before = [means_before[script] for script in scripts]
    ax.barh(rows + 0.2, widths_after, 0.4, color=AFTER_COLOUR, label="after")
    ax.barh(rows - 0.2, widths_before, 0.4, color=BEFORE_COLOUR, label="before")
    ax.plot(chance, rows, "|", color=CHANCE_COLOUR, label="chance")
    ax.set_yticks(rows, [f"{script} ({len(after[script])})" for script in scripts])
    ax.set_xlim(0, 1)
    ax.set_xlabel(f"Acc@1, {task}, held-out")
    ax.set_ylabel("script (languages)")
    title = f"mean over languages: {overall_before:.2f} before, {overall_after:.2f} after"
    ax.set_title(title, loc="left")
    ax.margins(y=0.01)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    if path is not None:
        save_figure(figure, path)
    return figure


def _by_script(records: Iterable[RetrievalRecord], task: str) -> dict[str, list[RetrievalRecord]]:
    return group_records([r for r in records if r.task == task], script_of)
