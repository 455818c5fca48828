"""A table for notebooks, with each text in its direction of writing."""

from collections.abc import Iterable, Sequence
from html import escape
from numbers import Integral, Real
from typing import Any

from tabulate import tabulate


class Table:
    """A table: HTML in a notebook, plain text when printed.

    Each text has the direction of its script, so that Arabic and Hebrew run from right to left.
    Floats have two decimals; None is an empty cell.

    Args:
        headers: one for each column.
        rows: a cell for each header.
    """

    def __init__(self, headers: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
        self.headers = list(headers)
        self.rows = [list(row) for row in rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        rows = [list(map(_text, row)) for row in self.rows]
        return str(tabulate(rows, self.headers, "github", disable_numparse=True))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        headers = [f'<th style="text-align: start">{escape(name)}</th>' for name in self.headers]
        rows = [f"<tr>{''.join(map(_cell, row))}</tr>" for row in self.rows]
        head, body = "".join(headers), "".join(rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Real) and not isinstance(value, Integral):
        return f"{value:.2f}"
    return str(value)


def _cell(value: Any) -> str:
    style = "text-align: start"
    if isinstance(value, Real):
        style = "text-align: end; font-variant-numeric: tabular-nums"
    return f'<td dir="auto" style="{style}">{escape(_text(value))}</td>'
