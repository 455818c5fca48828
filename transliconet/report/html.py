"""One self-contained HTML page: no network, readable on a phone, in the dark, by keyboard and in
print.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from transliconet._version import __version__

if TYPE_CHECKING:
    from altair import TopLevelMixin

    from transliconet.report.figure import Figure

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:"
)
"""Content security policy: a browser refuses everything that is not in the page itself."""
BEGINNING = "<!doctype html>\n<!-- a transliconet report -->"
"""What every page begins with."""
CHART = '<figure class="chart"'
"""How every :func:`chart` begins."""
SIZE = "SIZE OF THE PAGE"
"""Stands for the size of the page until the page is whole."""
COMPOSED = ("hconcat", "vconcat", "concat", "facet", "repeat")
"""Keys of Vega-Lite's views of several parts, which cannot take the width of their container."""
PARTS = ("row", "column", "facet")
"""Channels that split a single view into such parts."""


def document(title: str, sections: Iterable[str]) -> str:
    """The page of some :func:`section`. Where there is a :func:`chart`, Vega is in it, once."""
    body = "\n".join(sections)
    scripts = f"<script>{_asset('page.js')}</script>"
    if CHART in body:
        # modules keep their hundreds of names to themselves
        for script in (_vega(), _asset("charts.js")):
            scripts += f'<script type="module">{script}</script>'
    page = (
        f'{BEGINNING}\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>"
        f"<style>{_asset('page.css')}</style></head>\n"
        f"<body><main><h1>{escape(title)}</h1>\n{body}\n</main>\n"
        f"<footer>transliconet {__version__}. This page is one file of {SIZE}; it needs no network."
        f"</footer>{scripts}</body></html>\n"
    )
    size = f"{len(page.encode()) / 1e6:.1f} MB"
    before, _, after = page.rpartition(SIZE)
    return before + size + after


@cache
def _asset(name: str) -> str:
    """A file beside this one."""
    return (files("transliconet.report") / name).read_text(encoding="utf-8")


@cache
def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, which defines ``vegaEmbed``."""
    from vl_convert import javascript_bundle  # takes seconds: it bundles the libraries

    return str(javascript_bundle())  # type: ignore[call-arg]  # it has a default


def section(heading: str, content: str) -> str:
    return f"<section><h2>{escape(heading)}</h2>\n{content}</section>"


def folded(heading: str, content: str) -> str:
    """A section that a reader opens."""
    summary = f"<summary><h2>{escape(heading)}</h2></summary>"
    return f'<details class="section">{summary}\n{content}</details>'


def table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], styles: Mapping[str, str] | None = None
) -> str:
    """A table that sorts by any column, also by keyboard; the row ``all`` stays last.

    Args:
        headings: of the columns; an empty one is called ``name``.
        rows: cells as plain text.
        styles: heading → class of its cells: ``name`` and ``text`` are aligned to the left, and
            ``text`` may take several lines. Others are numbers.
    """
    buttons = [f'<button type="button">{escape(h) or "name"}</button>' for h in headings]
    classes = [f' class="{styles[h]}"' if styles and h in styles else "" for h in headings]
    columns = zip(classes, buttons, strict=True)
    head = "".join(f'<th scope="col"{style}>{button}</th>' for style, button in columns)
    body = "".join(_table_row(row, classes) for row in rows)
    content = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide" tabindex="0"><table>{content}</table></div>'


def _table_row(row: Sequence[str], classes: Sequence[str]) -> str:
    columns = zip(classes, row, strict=True)
    cells = "".join(f"<td{style}>{escape(cell)}</td>" for style, cell in columns)
    style = " class=all" if row[0] == "all" else ""
    return f"<tr{style}>{cells}</tr>"


def chart(name: str, altair_chart: "TopLevelMixin | Figure", note: str = "") -> str:
    """An Altair chart, embedded as its Vega-Lite specification and drawn by the browser.

    A single view without a width takes that of the page, and so do the panels of a figure; other
    charts of several parts keep theirs and scroll where they are wider than the screen. Axes,
    legends and text have the colours of the page, in light, dark and print. Colours of marks are
    the chart's own, or variables of ``page.css`` such as ``var(--ink)``.

    Args:
        name: what the chart shows, for those who do not see it; also the description of the SVG.
        altair_chart: with inline data, ``alt.Chart(alt.Data(values=rows))``, or a figure.
        note: plain text beneath the chart.
    """
    from altair import data_transformers

    with data_transformers.enable("default", max_rows=None):
        spec = altair_chart.to_dict()
    del spec["$schema"]
    spec.setdefault("description", name)
    if _is_single_view(spec):
        spec.setdefault("width", "container")
    layout = spec.get("usermeta", {}).get("layout", {})
    broad = enlarge = ""
    if layout.get("fixed"):
        needed = layout["narrowest"] * layout["panels"]
        broad = f' data-broad style="--needed: {needed}px"'
        enlarge = '<button type="button" class="enlarge" aria-pressed="false">Enlarge</button>'
    content = json.dumps(spec, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    content = content.replace("<", "\\u003c")  # so that no text ends the element
    caption = f"<figcaption>{escape(note)}</figcaption>" if note else ""
    return (
        f'{CHART}{broad} aria-label="{escape(name)}" tabindex="0">'
        f'<script type="application/json">{content}</script>{enlarge}<div class="plot"></div>'
        f"{caption}"
        "<noscript>The figure needs JavaScript; the tables have its numbers.</noscript></figure>"
    )


def _is_single_view(spec: Mapping[str, Any]) -> bool:
    encoding = spec.get("encoding", {})
    return not (spec.keys() & set(COMPOSED) or encoding.keys() & set(PARTS))
