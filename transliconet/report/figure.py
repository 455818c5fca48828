"""A figure: panels of Altair, which a page, a notebook and a file for a paper each show at their
own width.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transliconet.report.colours import PAGE_VARIABLES
from transliconet.storage import atomic_file

if TYPE_CHECKING:
    import altair as alt

Row = dict[str, Any]
Spec = dict[str, Any]
"""A specification of Vega-Lite."""

NOTEBOOK_WIDTH = 900
"""Width of a figure in a notebook, in pixels."""
LEAST = 40
"""Least width and height of a panel in a file, without its axes, in points."""
LEAST_WIDTH = 120
"""Least width of a panel on a screen, without its axes, in pixels."""
INK, QUIET, LINE = "#1a1a1a", "#5c5c5c", "#d0d0d0"
CONFIG: Spec = {
    "background": "white",
    "font": "DejaVu Sans, Noto Sans, sans-serif",  # the first has arrows
    "axis": {
        "labelColor": INK,
        "titleColor": QUIET,
        "domainColor": LINE,
        "tickColor": LINE,
        "gridColor": LINE,
        "gridOpacity": 0.6,
        "titleFontWeight": "normal",
    },
    "legend": {"labelColor": INK, "titleColor": QUIET, "titleFontWeight": "normal"},
    "title": {"color": INK, "fontSize": 13},
    "text": {"color": INK},
    "view": {"stroke": None},
}
"""Looks on white. A report page has its own, in the reader's colour scheme."""
PAPER_SHARE = 0.65
"""Least room for a panel in a file, as a share of that on a screen."""


@dataclass(frozen=True)
class Layout:
    """How panels fit a width.

    Args:
        margin: pixels beside a panel, for its axis and the gap to the next.
        narrowest: least pixels for a panel and its margin: where there is less, fewer stand side
            by side.
        fixed: panels have a width of their own, such as a heat map with room for its labels.
        entry: width of an entry of the legend, in pixels; 0 leaves one column.
        square: panels are as high as they are wide.
    """

    margin: int = 70
    narrowest: int = 330
    fixed: bool = False
    entry: int = 0
    square: bool = False


@dataclass(frozen=True, repr=False)
class Figure:
    """A figure of one or several panels.

    It shows itself in a notebook, interactive where that knows Vega-Lite.

    Args:
        name: of its file.
        description: what it shows, for those who do not see it.
        panels: charts of Altair with a width and a height, whose data are ``alt.NamedData`` of
            ``datasets``.
        datasets: name → rows. Panels that share one do not repeat it.
        layout: how the panels fit a width.
        params: selections that all panels share, as Vega-Lite has them.
    """

    name: str
    description: str
    panels: "Sequence[alt.LayerChart | alt.Chart]"
    datasets: Mapping[str, Sequence[Row]]
    layout: Layout = field(default_factory=Layout)
    params: Sequence[Spec] = ()

    def to_dict(self) -> Spec:
        """The specification of Vega-Lite. Its ``usermeta`` tells a page how to fit the panels
        in.
        """
        import altair as alt

        chart = alt.concat(*self.panels, columns=len(self.panels))
        spec: Spec = chart.to_dict()
        spec["config"] = {}
        spec["description"] = self.description
        spec["usermeta"] = {"layout": {"panels": len(self.panels), **asdict(self.layout)}}
        # Altair would check each row against a schema, for seconds
        named = {name: list(rows) for name, rows in self.datasets.items()}
        spec["datasets"] = {**spec.get("datasets", {}), **named}
        if self.params:
            views = name_views(spec)
            spec["params"] = [{**param, "views": views} for param in self.params]
        return spec

    def spec(self, width: float = NOTEBOOK_WIDTH, narrow: float = 1.0) -> Spec:
        """The specification in colours for a white page.

        Args:
            width: about that of the whole, in pixels.
            narrow: share of the layout's narrowest panel that may be taken.
        """
        text = json.dumps(self.to_dict(), ensure_ascii=False)
        for variable, colour in PAGE_VARIABLES.items():
            text = text.replace(f'"var({variable})"', f'"{colour}"')
        return fit(json.loads(text), width, narrow)

    def svg(self, width: float | None = None, height: float | None = None) -> str:
        """The figure as an SVG document.

        Args:
            width, height: of the whole, in points of 1/72 inch; None leaves them to the figure.
        """
        import vl_convert

        spec = self._paper_spec(width, height)
        return str(vl_convert.vegalite_to_svg(spec, config=CONFIG))

    def save(
        self, path: str | Path, width: float | None = None, height: float | None = None
    ) -> None:
        """Write a file of the format that the suffix names: ``.pdf``, ``.svg`` or ``.json``
        (Vega-Lite); PNG by default.

        Args:
            path: of the file.
            width, height: of the whole, in points of 1/72 inch; None leaves them to the figure.
        """
        content = self.content(Path(path).suffix[1:], width, height)
        with atomic_file(path) as partial:
            partial.write_bytes(content)

    def content(
        self, file_format: str, width: float | None = None, height: float | None = None
    ) -> bytes:
        """What :meth:`save` writes."""
        import vl_convert

        if file_format == "json":
            return json.dumps(self.spec(width or NOTEBOOK_WIDTH), ensure_ascii=False).encode()
        svg = self.svg(width, height)
        if file_format == "svg":
            return svg.encode()
        if file_format == "pdf":
            return bytes(vl_convert.svg_to_pdf(svg))
        return bytes(vl_convert.svg_to_png(svg, scale=2))

    def _paper_spec(self, width: float | None, height: float | None) -> Spec:
        """The specification whose drawing is of a size: what axes and legends take is known once
        it has been drawn.
        """
        import vl_convert

        if width is None and height is None:
            return self.spec()
        # panels that stand side by side on a screen do so on paper, in a smaller size
        spec = self.spec(width or NOTEBOOK_WIDTH, PAPER_SHARE)
        drawn = vl_convert.vegalite_to_svg(spec, config=CONFIG)
        drawn_width, drawn_height = svg_size(drawn)
        columns = spec["columns"]
        rows = -(-len(spec["concat"]) // columns)
        for panel in spec["concat"]:
            if width is not None:
                panel["width"] = max(panel["width"] + (width - drawn_width) / columns, LEAST)
            if height is not None:
                panel["height"] = max(panel["height"] + (height - drawn_height) / rows, LEAST)
        return spec

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        spec = self.spec()
        version = spec["$schema"].rsplit("/v", 1)[-1].split(".")[0]
        return {
            f"application/vnd.vegalite.v{version}+json": {**spec, "config": CONFIG},
            "image/svg+xml": self.svg(),
            "text/plain": self.description,
        }


def fit(spec: Spec, width: float, narrow: float = 1.0) -> Spec:
    """Give the panels of a specification their widths and its legend its columns, as ``charts.js``
    does in a browser.

    Args:
        spec: of :attr:`Figure.chart`; it is changed.
        width: of the whole, in pixels.
        narrow: share of the layout's narrowest panel that may be taken.
    """
    layout = spec["usermeta"]["layout"]
    columns = max(1, min(layout["panels"], int(width // (narrow * layout["narrowest"]))))
    spec["columns"] = columns
    if not layout["fixed"]:
        of_panel = max(LEAST_WIDTH, int(width // columns) - layout["margin"])
        for panel in spec["concat"]:
            panel["width"] = of_panel
            if layout["square"]:
                panel["height"] = of_panel
    if layout["entry"]:
        entries = max(1, int(width // layout["entry"]))
        spec["config"] = {"legend": {"columns": entries}}
    return spec


def name_views(spec: Spec) -> list[str]:
    """Name the upper layer of each panel that is no text, so that selections can refer to it;
    returns the names.

    The marks of all layers select, but Vega-Lite allows one layer of a panel to own a selection.
    """
    names = []
    for number, panel in enumerate(spec["concat"]):
        marks = [layer for layer in panel["layer"] if layer["mark"]["type"] != "text"]
        marks[-1]["name"] = f"panel{number}"
        names.append(f"panel{number}")
    return names


def svg_size(svg: str) -> tuple[float, float]:
    """Width and height of an SVG document of Vega."""
    head = svg[svg.index("<svg") : svg.index(">", svg.index("<svg"))]
    sizes = [float(head.split(f' {side}="')[1].split('"')[0]) for side in ("width", "height")]
    return sizes[0], sizes[1]
