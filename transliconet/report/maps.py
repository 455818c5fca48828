"""A map of sentences in two dimensions: where each script lies before and after training."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from transliconet.errors import DataError
from transliconet.model.vectors import normalize
from transliconet.report.plots import new_figure, save_figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
"""Okabe and Ito's colours, which colour-blind readers can tell apart. Markers differ, too."""
MARKERS = "o^sDvP*X"
BACKGROUND_COLOUR = "#d0d0d0"


def principal_axes(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The plane in which vectors vary most, by principal component analysis.

    Args:
        vectors: (N, D); scaled to length 1 here.

    Returns:
        (D,) mean and (2, D) directions.
    """
    scaled = normalize(vectors)
    mean = scaled.mean(0)
    axes = np.linalg.svd(scaled - mean, full_matrices=False)[2][:2]
    return mean, np.asarray(axes)


def plot_map(
    groups: Mapping[str, np.ndarray], path: str | Path | None = None, title: str = ""
) -> Figure:
    """Map of vectors on the first two principal components of all groups, with a colour and a
    marker for each group.

    The projection is linear, has no parameters and is the same for every group. It can make
    distances smaller, but never larger.

    Args:
        groups: name → (N, D) vectors, e.g. a script's sentences.
        path: an image file to write; None leaves the figure to the notebook.
        title: of the map.

    Raises:
        DataError: fewer than three vectors in all, or NaN values.
    """
    return plot_maps({title: groups}, path)


def plot_maps(
    stages: Mapping[str, Mapping[str, np.ndarray]],
    path: str | Path | None = None,
    background: str | None = None,
) -> Figure:
    """:func:`plot_map` of several stages side by side, such as an encoder before and after
    training.

    Args:
        stages: title → groups, the same names in each. Every stage has a projection of its own, so
            directions cannot be compared.
        path: an image file to write; None leaves the figure to the notebook.
        background: a group that is drawn in grey beneath the others.

    Raises:
        DataError: a stage with fewer than three vectors, or NaN values.
    """
    figure = new_figure(1.5 + 4.5 * len(stages), 5)
    panels = figure.subplots(1, len(stages), squeeze=False)[0]
    for ax, (title, groups) in zip(panels, stages.items(), strict=True):
        _draw_groups(ax, groups, title, background)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", frameon=False)
    if path is not None:
        save_figure(figure, path)
    return figure


def _draw_groups(
    ax: Axes, groups: Mapping[str, np.ndarray], title: str, background: str | None
) -> None:
    every = np.concatenate(list(groups.values())) if groups else np.zeros((0, 1))
    if len(every) < 3:
        raise DataError(
            f"{len(every)} vector(s)",
            "too few for a map",
            "Give three or more",
            code="TLN-DATA-902",
        )
    mean, axes = principal_axes(every)
    ordered = sorted(groups, key=lambda name: name == background)  # the background takes no colour
    for number, name in enumerate(ordered):
        x, y = ((normalize(groups[name]) - mean) @ axes.T).T
        marker = MARKERS[(number + number // len(COLOURS)) % len(MARKERS)]
        colour = COLOURS[number % len(COLOURS)]
        if name == background:
            marker, colour = MARKERS[0], BACKGROUND_COLOUR
        dots = ax.scatter(x, y, s=14, c=colour, marker=marker, alpha=0.7, linewidths=0)
        dots.set(label=name, zorder=int(name != background))
    ax.set(xticks=[], yticks=[], title=title, aspect="equal", adjustable="datalim")
