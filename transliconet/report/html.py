"""One self-contained HTML page: no network, readable on a phone, by keyboard and in print."""

from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
:root { color-scheme: light; --line: #d0d0d0; --ink: #1a1a1a; --accent: #0072b2; }
body { font: 16px/1.5 system-ui, "Noto Sans", sans-serif; color: var(--ink); }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; } h3 { font-size: 1rem; }
.wide, figure { overflow-x: auto; }
svg { width: 100%; min-width: 30rem; max-width: 45rem; height: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: end; }
th:first-child, td:first-child { text-align: start; position: sticky; }
th:first-child, td:first-child { inset-inline-start: 0; background: #fff; }
td.text { text-align: start; min-width: 10rem; }
th button { font: inherit; font-weight: bold; border: 0; background: none; }
th button { cursor: pointer; padding: 0; }
th[aria-sort=ascending] button::after { content: " ▲"; }
th[aria-sort=descending] button::after { content: " ▼"; }
:is(button, summary, [tabindex]):focus-visible {
  outline: 3px solid var(--accent); outline-offset: 2px;
}
tr.all td { font-weight: bold; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
figure { margin: 1rem 0; }
"""
SORT = """
for (const button of document.querySelectorAll("th button"))
button.addEventListener("click", () => {
  const head = button.closest("th"), body = head.closest("table").tBodies[0], at = head.cellIndex;
  const up = head.getAttribute("aria-sort") !== "ascending";
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const value = row => row.cells[at].dataset.value ?? row.cells[at].textContent;
  const rows = [...body.rows].filter(row => !row.classList.contains("all"));
  rows.sort((a, b) => {
    const [x, y] = [value(a), value(b)], order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
    return up ? order : -order;
  });
  body.prepend(...rows);
});
"""


BEGINNING = "<!doctype html>\n<!-- a transliconet report -->"
"""What every page begins with."""


def document(title: str, sections: Iterable[str]) -> str:
    """The page of some :func:`section`."""
    body = "\n".join(sections)
    return (
        f'{BEGINNING}\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>"
        f"<style>{STYLE}</style></head>\n<body><main><h1>{escape(title)}</h1>\n{body}\n</main>"
        f"<script>{SORT}</script></body></html>\n"
    )


def section(heading: str, content: str) -> str:
    return f"<section><h2>{escape(heading)}</h2>\n{content}</section>"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table that sorts by any column, also by keyboard; the row ``all`` stays last."""
    buttons = [f'<button type="button">{escape(h) or "name"}</button>' for h in headings]
    head = "".join(f'<th scope="col">{button}</th>' for button in buttons)
    body = "".join(_table_row(row) for row in rows)
    content = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide" tabindex="0"><table>{content}</table></div>'


def _table_row(row: Sequence[str]) -> str:
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in row)
    style = " class=all" if row[0] == "all" else ""
    return f"<tr{style}>{cells}</tr>"


def drawing(name: str, svg: str) -> str:
    return f'<figure role="img" aria-label="{escape(name)}" tabindex="0">{svg}</figure>'
