"""Transfer results as tables: a row for each language and view."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from transliconet.probe.results import read_results_file
from transliconet.report.tables import markdown_table

Content = Mapping[str, Any]
"""A record of transfer as results files hold it."""
FIGURES = {
    "accuracy": "accuracy",
    "entity_f1": "entity F1",
    "macro_f1": "macro-F1",
    "bare_tag_f1": "seqeval on bare tags",
}
"""Key of a record → heading of its column, where any record has it."""
ENDS = {"ci95": "accuracy", "entity_f1_ci95": "entity_f1"}
"""Interval → beginning of its columns' names."""
INTERVALS = {"accuracy": "ci95", "entity_f1": "entity_f1_ci95"}
"""Figure → its 95 % interval."""


Table = tuple[str, list[str], list[list[str]]]
"""Caption, headings and rows."""


def transfer_tables(contents: Sequence[Content]) -> Iterator[Table]:
    """A table for each task, head and number of shots.

    Args:
        contents: records as results files hold them; their ``results`` and ``stage``, if there are
            any, are in the caption.

    Returns:
        Caption, headings and rows of each table, figures in percent.
    """
    groups: defaultdict[str, list[Content]] = defaultdict(list)
    for content in contents:
        groups[_title(content)].append(content)
    for title, of_group in groups.items():
        yield title, *_table(of_group)


def _title(content: Content) -> str:
    trained = ", ".join(content["train_languages"])
    title = f"{content['task']}, {content['head']} head trained on {trained}"
    if content.get("shots"):
        title += f" and {content['shots']} shots"
    names = [content[name] for name in ("results", "stage") if content.get(name)]
    return ": ".join([*names, title])


def _table(contents: Sequence[Content]) -> tuple[list[str], list[list[str]]]:
    figures = []
    for name in FIGURES:
        if any(content.get(name) is not None for content in contents):
            figures.append(name)
    seeds = len({content.get("seed", 0) for content in contents})
    headings = ["language", "view", "n"]
    for name in figures:
        headings.append(FIGURES[name])
        if name in INTERVALS:
            headings.append(f"{seeds} seeds" if seeds > 1 else "95 %")
    rows: defaultdict[tuple[str, str], list[Content]] = defaultdict(list)
    for content in contents:
        rows[content["language"], content["view"]].append(content)
    cells = []
    for (language, view), of_row in rows.items():
        row = [language, view, str(of_row[0]["n"])]
        for name in figures:
            row += _cells(name, of_row)
        cells.append([*row, _percent(of_row[0]["chance"])])
    return [*headings, "chance"], cells


def _cells(name: str, contents: Sequence[Content]) -> list[str]:
    """The mean over seeds, and its interval: the lowest and highest of several seeds."""
    values = [content[name] for content in contents if content.get(name) is not None]
    if not values:
        return ["", ""] if name in INTERVALS else [""]
    cells = [_percent(fmean(values))]
    if name in INTERVALS:
        low, high = min(values), max(values)
        if len(values) == 1:
            low, high = contents[0][INTERVALS[name]]
        cells.append(f"{_percent(low)}–{_percent(high)}")
    return cells


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def load_transfer(
    paths: Sequence[str | Path],
) -> tuple[list[dict[str, Any]], list[str | Path]]:
    """The records of transfer of some results files.

    Args:
        paths: results files, or folders with a ``results.json``.

    Returns:
        The records, with the name of their ``results`` where there are several files; and the paths
        that a report of retrieval is made of: those with records of it, and those without any.

    Raises:
        DataError: a file is no results file.
    """
    contents: list[dict[str, Any]] = []
    others: list[str | Path] = []
    for path in paths:
        place = Path(path).expanduser()
        results = read_results_file(place / "results.json" if place.is_dir() else place)
        entries = results.content.get("transfer")
        found = [entry for entry in entries or () if isinstance(entry, Mapping)]
        name = place.name if place.is_dir() else place.stem
        for entry in found:
            contents.append({"results": name, **entry} if len(paths) > 1 else dict(entry))
        if results.records or not found:
            others.append(path)
    return contents, others


def transfer_rows(contents: Sequence[Content]) -> Iterator[dict[str, Any]]:
    """A row for each record, with columns for the ends of its intervals, for CSV and pandas."""
    for content in contents:
        row: dict[str, Any] = {}
        for name in ("results", "stage"):
            row[name] = content.get(name, "")
        row["language"] = content["language"]
        for name, value in content.items():
            if name in ENDS:
                low, high = value or (None, None)
                row[f"{ENDS[name]}_low"], row[f"{ENDS[name]}_high"] = low, high
            elif isinstance(value, Sequence) and not isinstance(value, str):
                row[name] = ",".join(map(str, value))
            else:
                row[name] = value
        yield row


def transfer_markdown(contents: Sequence[Content]) -> str:
    """All tables as Markdown; empty without records."""
    parts = []
    for title, headings, rows in transfer_tables(contents):
        parts.append(f"### {title}\n\n{markdown_table(rows, headings)}")
    return "\n\n".join(parts)
