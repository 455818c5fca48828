"""Colours and shapes that people tell apart, also colour-blind and in print."""

from collections.abc import Sequence
from typing import Any

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a63b5")
"""Okabe and Ito's colours, but black and yellow, which vanish on a dark or a light page; and a
violet.
"""
SHAPES = (
    *("circle", "square", "triangle-up", "diamond", "cross", "triangle-down"),
    *("triangle-right", "triangle-left"),
)
FAINT = "#9a9a9a"
"""What lies beneath: it shows on white and on black."""
SEQUENTIAL = "viridis"
"""Scheme of values: its lightness grows evenly, so that it also reads in grey."""
PAGE_VARIABLES = {
    "--series-0": "#8a8a8a",
    "--series-1": "#0072b2",
    "--series-2": "#d55e00",
    "--series-3": "#009e73",
    "--series-4": "#cc79a7",
    "--series-5": "#b07d00",
    "--series-6": "#56b4e9",
    "--series-7": "#1a1a1a",
    "--ink": "#1a1a1a",
    "--quiet": "#5c5c5c",
    "--line": "#d0d0d0",
}
"""Variables of ``page.css`` → their colours on white, where there is no page."""
DASHES = ([1, 0], [5, 3], [2, 2], [8, 3, 2, 3])


def shape_and_colour(number: int) -> tuple[str, str]:
    """The look of the group of a number, from 0. The first 56 differ.

    >>> shape_and_colour(0), shape_and_colour(7)
    (('circle', '#0072b2'), ('triangle-left', '#0072b2'))
    """
    return SHAPES[number % len(SHAPES)], COLOURS[number % len(COLOURS)]


def by_group(
    field: str, names: Sequence[str], background: str | None = None, label_limit: int = 110
) -> dict[str, Any]:
    """Channels that give each name a colour and a shape, with one legend of both.

    Args:
        field: of the rows.
        names: in the order of the legend.
        background: another name, which is grey and stands last.
        label_limit: longest entry of the legend, in pixels.
    """
    import altair as alt

    shapes, colours = [], []
    for number in range(len(names)):
        shape, colour = shape_and_colour(number)
        shapes.append(shape)
        colours.append(colour)
    if background is not None:
        names = [*names, background]
        shapes.append("circle")
        colours.append(FAINT)
    # all entries: Vega-Lite would leave out those after the thirtieth
    legend = alt.Legend(
        title=None,
        orient="bottom",
        symbolOpacity=1,
        symbolSize=60,
        symbolLimit=0,
        labelLimit=label_limit,
    )
    colour_scale = alt.Scale(domain=list(names), range=colours)
    shape_scale = alt.Scale(domain=list(names), range=shapes)
    return {
        "color": alt.Color(f"{field}:N", scale=colour_scale, legend=legend),
        "shape": alt.Shape(f"{field}:N", scale=shape_scale, legend=legend),
    }
