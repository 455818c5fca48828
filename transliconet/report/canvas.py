"""An empty figure."""

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


class Picture(Figure):
    """A figure that a notebook shows by itself. Without pyplot, nobody else tells IPython how to draw one."""

    def _repr_png_(self) -> bytes:
        png = io.BytesIO()
        self.savefig(png, format="png", dpi=100)
        return png.getvalue()


def blank(width: float, height: float) -> Figure:
    """A figure of so many inches, without pyplot: a notebook's backend stays as it is."""
    figure = Picture(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
