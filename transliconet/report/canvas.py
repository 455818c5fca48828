"""An empty figure."""

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def blank(width: float, height: float) -> Figure:
    """A figure of so many inches, without pyplot: a notebook's backend stays as it is."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
