"""Tables as CSV and as LaTeX (booktabs)."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from transliconet.report.tables import ALL

LATEX_BEGINNING = "% a transliconet report"
"""What every LaTeX file begins with."""
LATEX_HEAD = f"{LATEX_BEGINNING}; it needs \\usepackage{{booktabs}}"
LATEX_CHARACTERS = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "→": r"$\to$",
    "↔": r"$\leftrightarrow$",
    "–": "--",
    "…": r"\dots{}",
}
"""Character → how LaTeX writes it."""
_MINUS = re.compile(r"(?<!\S)-(?=\d)")
"""A sign, not a hyphen or the dash of a range."""


def csv_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as CSV, with a column for each key of any row. None is an empty cell."""
    rows = list(rows)
    columns = dict.fromkeys(key for row in rows for key in row)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def latex_text(text: str) -> str:
    """Text with LaTeX's special characters escaped.

    >>> latex_text("50 % of hin_Deva: -3.8")
    '50 \\\\% of hin\\\\_Deva: $-$3.8'
    """
    escaped = "".join(LATEX_CHARACTERS.get(character, character) for character in text)
    return _MINUS.sub("$-$", escaped)


def latex_table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of booktabs, the row ``all`` set apart by a rule.

    Args:
        caption: above the table.
        headings: of the columns; the first is aligned to the left, the others to the right.
        rows: cells as plain text.
    """
    lines = [
        r"\begin{table}",
        r"\centering",
        f"\\caption{{{latex_text(caption)}}}",
        f"\\begin{{tabular}}{{l{'r' * (len(headings) - 1)}}}",
        r"\toprule",
        _latex_row(headings),
        r"\midrule",
    ]
    for number, row in enumerate(rows):
        if row[0] == ALL and number:
            lines.append(r"\midrule")
        lines.append(_latex_row(row))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"])


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(map(latex_text, cells)) + r" \\"


def latex_document(tables: Iterable[str]) -> str:
    """Several tables as one file to ``\\input``."""
    return "\n\n".join([LATEX_HEAD, *tables]) + "\n"
