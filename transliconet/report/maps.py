"""A map of sentences in two dimensions: where the scripts lie before and after."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from transliconet.errors import DataError
from transliconet.model.vectors import normalize
from transliconet.report.plots import blank
from transliconet.storage import atomic_file

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
"""Okabe and Ito's, told apart by colour-blind readers; each group has a marker of its own, too."""
MARKERS = "o^sDvP*X"
FAINT = "#d0d0d0"


def principal_axes(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (D,) and the two directions (2, D) in which vectors, scaled to length 1, vary most."""
    scaled = normalize(vectors)
    mean = scaled.mean(0)
    axes = np.linalg.svd(scaled - mean, full_matrices=False)[2][:2]
    return mean, np.asarray(axes)


def plot_map(
    groups: Mapping[str, np.ndarray], path: str | Path | None = None, title: str = ""
) -> Figure:
    """Principal components of all groups' vectors together, one colour and marker a group.

    A projection that is the same for every group and has no parameters: distances are shrunk, never
    made up.

    Args:
        groups: name → (N, D) vectors, e.g. a script's sentences.
        path: an image file to write; None leaves the figure to the notebook.
        title: above the map.

    Raises:
        DataError: fewer than three vectors in all, or NaN values.
    """
    return plot_maps({title: groups}, path)


def plot_maps(
    stages: Mapping[str, Mapping[str, np.ndarray]],
    path: str | Path | None = None,
    faint: str | None = None,
) -> Figure:
    """:func:`plot_map` of several stages side by side, such as an encoder before and after
    training.

    Args:
        stages: title → groups, the same names in each. Every stage has axes of its own: directions
            mean nothing.
        path: an image file to write; None leaves the figure to the notebook.
        faint: a group drawn in grey beneath the others, which have all colours then.

    Raises:
        DataError: a stage with fewer than three vectors, or NaN values.
    """
    figure = blank(1.5 + 4.5 * len(stages), 5)
    panels = figure.subplots(1, len(stages), squeeze=False)[0]
    for ax, (title, groups) in zip(panels, stages.items(), strict=True):
        _draw(ax, groups, title, faint)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", frameon=False)
    if path is not None:
        with atomic_file(path) as partial:
            figure.savefig(partial, format=Path(path).suffix[1:] or "png", dpi=120)
    return figure


def _draw(ax: Axes, groups: Mapping[str, np.ndarray], title: str, faint: str | None) -> None:
    every = np.concatenate(list(groups.values())) if groups else np.zeros((0, 1))
    if len(every) < 3:
        raise DataError(
            f"{len(every)} vector(s)",
            "too few for a map",
            "Give three or more",
            code="TLN-DATA-902",
        )
    mean, axes = principal_axes(every)
    for number, name in enumerate(
        sorted(groups, key=lambda name: name == faint)
    ):  # the faint one is last
        x, y = ((normalize(groups[name]) - mean) @ axes.T).T
        marker = MARKERS[(number + number // len(COLOURS)) % len(MARKERS)]
        colour = COLOURS[number % len(COLOURS)]
        if name == faint:
            marker, colour = MARKERS[0], FAINT
        ax.scatter(
            x,
            y,
            s=14,
            c=colour,
            marker=marker,
            alpha=0.7,
            label=name,
            linewidths=0,
            zorder=int(name != faint),
        )
    ax.set(xticks=[], yticks=[], title=title, aspect="equal", adjustable="datalim")
