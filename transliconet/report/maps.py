"""Maps of sentences in two dimensions: where each script lies before and after training."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from transliconet.report.colours import by_group
from transliconet.report.figure import Figure, Layout, Row
from transliconet.report.projection import project

if TYPE_CHECKING:
    import altair as alt

MAP_LAYOUT = Layout(margin=24, narrowest=300, entry=135, square=True)
DECIMALS = 4
"""Of coordinates, whose range is about 1: more would only be bytes."""


def plot_map(
    groups: Mapping[str, np.ndarray],
    path: str | Path | None = None,
    title: str = "",
    projection: str = "pca",
) -> Figure:
    """Map of vectors in two dimensions, with a colour and a shape for each group.

    Args:
        groups: name → (N, D) vectors, e.g. a script's sentences.
        path: a file to write: ``.pdf``, ``.svg`` or ``.png``; None leaves the figure to the
            notebook.
        title: of the map.
        projection: see :func:`transliconet.report.projection.project`.

    Raises:
        DataError: fewer than three vectors in all, or NaN values.
        ConfigError: the projection needs a package that is not installed.
    """
    return plot_maps({title: groups}, path, projection=projection)


def plot_maps(
    stages: Mapping[str, Mapping[str, np.ndarray]],
    path: str | Path | None = None,
    background: str | None = None,
    projection: str = "pca",
) -> Figure:
    """:func:`plot_map` of several stages side by side, such as an encoder before and after
    training.

    Args:
        stages: title → groups, the same names in each. Every stage has a projection of its own, so
            directions cannot be compared.
        path: a file to write; None leaves the figure to the notebook.
        background: a group that is drawn in grey beneath the others.
        projection: see :func:`transliconet.report.projection.project`.

    Raises:
        DataError: a stage with fewer than three vectors, or NaN values.
        ConfigError: the projection needs a package that is not installed.
    """
    names = dict.fromkeys(name for groups in stages.values() for name in groups)
    legend = [name for name in names if name != background]
    panels, datasets = [], {}
    for number, (title, groups) in enumerate(stages.items()):
        datasets[f"points{number}"] = _point_rows(groups, projection)
        panels.append(_group_panel(title, f"points{number}", legend, background))
    titles = " and ".join(filter(None, stages))
    description = f"Map of vectors {titles}, by group: {', '.join(names)}."
    figure = Figure("map", description, panels, datasets, layout=MAP_LAYOUT)
    if path is not None:
        figure.save(path)
    return figure


def _point_rows(groups: Mapping[str, np.ndarray], projection: str) -> list[Row]:
    vectors = np.concatenate(list(groups.values())) if groups else np.zeros((0, 1))  # (N, D)
    points = project(vectors, projection).round(DECIMALS).tolist()  # N times x, y
    of_points = [name for name, of_group in groups.items() for _ in of_group]
    rows = []
    for name, (x, y) in zip(of_points, points, strict=True):
        rows.append({"group": name, "x": x, "y": y})
    return rows


def _group_panel(
    title: str, dataset: str, legend: Sequence[str], background: str | None
) -> "alt.LayerChart":
    import altair as alt

    x, y = hidden_axes("x", "y")
    base = alt.Chart(alt.NamedData(dataset)).encode(x=x, y=y, tooltip="group:N")
    looks = by_group("group", legend, background)
    layers = []
    if background is not None:
        beneath = base.transform_filter(alt.datum.group == background)
        layers.append(beneath.mark_point(filled=True, size=30, aria=False).encode(**looks))
    above = base.transform_filter(alt.datum.group != background)
    layers.append(above.mark_point(filled=True, size=38, aria=False).encode(**looks))
    return alt.layer(*layers).properties(title=title, width=300, height=300)


def hidden_axes(x: str, y: str) -> "tuple[alt.X, alt.Y]":
    """Positions without ticks: directions of a map mean nothing."""
    import altair as alt

    scale = alt.Scale(zero=False, nice=False, padding=8)
    return alt.X(f"{x}:Q", axis=None, scale=scale), alt.Y(f"{y}:Q", axis=None, scale=scale)
