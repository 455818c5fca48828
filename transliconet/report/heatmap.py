"""Heat maps of the cosines between scripts."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from transliconet.probe.sample import ROMANIZED_GROUP, Sample, script_similarities
from transliconet.report.colours import SEQUENTIAL
from transliconet.report.figure import Figure, Layout, Row
from transliconet.report.names import script_name

if TYPE_CHECKING:
    import altair as alt

MOST_SCRIPTS_WITH_NUMBERS = 14
SIDE, LEAST_CELL, MOST_CELL = 420, 11, 34
"""Of a heat map and of its cells, in pixels; the labels need the least."""
LABELS = 130
"""Room for the names of scripts, in pixels."""


def similarity_maps(sample: Sample, stages: Sequence[str] | None = None) -> Figure:
    """Mean cosines between scripts at each stage, side by side on one colour scale.

    Scripts that are near each other stand together, in the same order at every stage. What one
    sentence alone cannot tell, the cosines within its script, is blank.

    Args:
        sample: with vectors.
        stages: of the sample; None takes all.
    """
    matrices = {stage: script_similarities(sample, stage) for stage in stages or sample.vectors}
    groups = next(iter(matrices.values()))[0]
    cosines = {stage: means for stage, (_, means) in matrices.items()}  # (S, S) each
    order = nearness_order(groups, list(cosines.values()))
    names = [script_name(groups[place]) for place in order]
    low = min(float(np.nanmin(means)) for means in cosines.values())
    high = max(float(np.nanmax(means)) for means in cosines.values())
    rows: list[Row] = []
    for i, row_name in zip(order, names, strict=True):
        for j, column_name in zip(order, names, strict=True):
            row: Row = {"row": row_name, "column": column_name}
            for number, means in enumerate(cosines.values()):
                if np.isfinite(means[i, j]):
                    row[f"cosine{number}"] = round(float(means[i, j]), 3)
            rows.append(row)
    side = len(names) * min(max(SIDE // len(names), LEAST_CELL), MOST_CELL)
    panels = []
    for number, stage in enumerate(cosines):
        panel = _panel(f"cosine{number}", names, (low, high), side)
        panels.append(panel.properties(title=stage))
    layout = Layout(narrowest=side + LABELS, fixed=True)
    description = _in_words(cosines, groups)
    return Figure("cosines", description, panels, {"cells": rows}, layout=layout)


def nearness_order(groups: Sequence[str], matrices: Sequence[np.ndarray]) -> list[int]:
    """The order of a heat map: hierarchical clustering (average linkage) of scripts by their mean
    cosine over all stages, leaves ordered so that neighbours are near; ``romanized`` last.

    Args:
        groups: S names.
        matrices: (S, S) cosines of each stage.

    Returns:
        S places in ``groups``.
    """
    scripts = [place for place, name in enumerate(groups) if name != ROMANIZED_GROUP]
    rest = [place for place, name in enumerate(groups) if name == ROMANIZED_GROUP]
    if len(scripts) < 3:
        return [*scripts, *rest]
    cosines = np.mean(matrices, axis=0)[np.ix_(scripts, scripts)]  # (S', S')
    distances = np.maximum(1 - (cosines + cosines.T) / 2, 0)
    np.fill_diagonal(distances, 0)
    tree = linkage(squareform(distances), "average", optimal_ordering=True)
    return [*(scripts[leaf] for leaf in leaves_list(tree)), *rest]


def _panel(
    value: str, names: Sequence[str], domain: tuple[float, float], side: int
) -> "alt.LayerChart":
    import altair as alt

    size = min(side // len(names), 12)  # of labels, which stand in rows as high as cells
    axis = alt.Axis(
        title=None, labelFontSize=size, labelLimit=LABELS - 12, ticks=False, domain=False
    )
    y = alt.Y("row:N", sort=list(names), axis=axis)
    across = axis.copy()
    across.labelAngle = -90
    x = alt.X("column:N", sort=list(names), axis=across)
    tooltip = [
        alt.Tooltip("row:N", title="sentences in"),
        alt.Tooltip("column:N", title="and in"),
        alt.Tooltip(f"{value}:Q", title="mean cosine", format=".3f"),
    ]
    base = alt.Chart(alt.NamedData("cells")).encode(x=x, y=y)
    base = base.transform_filter(f"isValid(datum.{value})")
    legend = alt.Legend(title="mean cosine", orient="bottom", gradientLength=220)
    scale = alt.Scale(scheme=SEQUENTIAL, domain=list(domain))
    cells = base.mark_rect(aria=False).encode(
        color=alt.Color(f"{value}:Q", scale=scale, legend=legend), tooltip=tooltip
    )
    layers = [cells]
    if len(names) <= MOST_SCRIPTS_WITH_NUMBERS:
        light = f"datum.{value} > {sum(domain) / 2}"
        numbers = base.mark_text(fontSize=10, aria=False).encode(
            text=alt.Text(f"{value}:Q", format=".2f"),
            color=alt.when(light).then(alt.value("black")).otherwise(alt.value("white")),
        )
        layers.append(numbers)
    return alt.layer(*layers).properties(width=side, height=side)


def _in_words(cosines: Mapping[str, np.ndarray], groups: Sequence[str]) -> str:
    """The mean cosine of different scripts at each stage."""
    apart = ~np.eye(len(groups), dtype=bool)
    means = []
    for stage, matrix in cosines.items():
        means.append(f"{float(np.nanmean(matrix[apart])):.2f} {stage}")
    return (
        f"Heat map of mean cosines between {len(groups)} groups of sentences: scripts and their "
        f"romanizations. Mean between different groups: {', '.join(means)}."
    )
