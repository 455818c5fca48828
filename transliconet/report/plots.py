"""Plots as PNG files."""

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from transliconet.probe.record import RetrievalRecord
from transliconet.probe.results import Records
from transliconet.report.tables import group, mean_of, script_of
from transliconet.storage import atomic_file

BEFORE, AFTER, CHANCE = (
    "#c7c7c7",
    "#0072b2",
    "#d55e00",
)  # Okabe–Ito: told apart by colour-blind readers


def plot_before_after(
    records: Records, path: str | Path | None = None, task: str = "native→romanized"
) -> Figure:
    """Acc@1 of each script before and after training, with the chance level.

    Args:
        records: of ``before`` and ``after``.
        path: an image file to write; None leaves the figure to the notebook.
        task: the one to show.
    """
    old, new = (_by_script(records[stage], task) for stage in ("before", "after"))
    overall = mean_of(new.pop("all"), "acc@1"), mean_of(old.pop("all"), "acc@1")
    scripts = sorted(new, key=lambda s: mean_of(new[s], "acc@1"))
    where = np.arange(len(scripts))
    fig = blank(7, 1.6 + 0.26 * len(scripts))
    ax = fig.add_subplot()
    ax.barh(
        where + 0.2, [mean_of(new[s], "acc@1") for s in scripts], 0.4, color=AFTER, label="after"
    )
    ax.barh(
        where - 0.2, [mean_of(old[s], "acc@1") for s in scripts], 0.4, color=BEFORE, label="before"
    )
    chance = [float(np.mean([r.chance["acc@1"] for r in new[s]])) for s in scripts]
    ax.plot(chance, where, "|", color=CHANCE, label="chance")
    ax.set_yticks(where, [f"{s} ({len(new[s])})" for s in scripts])
    ax.set_xlim(0, 1)
    ax.set_xlabel(f"Acc@1, {task}, held-out")
    ax.set_ylabel("script (languages)")
    ax.set_title(
        f"mean over languages: {overall[1]:.2f} before, {overall[0]:.2f} after", loc="left"
    )
    ax.margins(y=0.01)
    fig.legend(loc="outside lower center", ncols=3, frameon=False)
    if path is not None:
        with atomic_file(path) as partial:
            fig.savefig(partial, format=Path(path).suffix[1:] or "png", dpi=120)
    return fig


def _by_script(records: Iterable[RetrievalRecord], task: str) -> dict[str, list[RetrievalRecord]]:
    return group([r for r in records if r.task == task], script_of)


class Picture(Figure):
    """A figure that a notebook shows by itself. Without pyplot, nobody else tells IPython how to
    draw one.
    """

    def _repr_png_(self) -> bytes:
        png = io.BytesIO()
        self.savefig(png, format="png", dpi=100)
        return png.getvalue()


def blank(width: float, height: float) -> Figure:
    """A figure of so many inches, without pyplot: a notebook's backend stays as it is."""
    figure = Picture(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
