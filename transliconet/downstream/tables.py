"""Labelled texts from tables: Parquet, JSON lines, CSV, TSV."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transliconet.corpus.cleaning import Cleaning
from transliconet.corpus.sources.base import Line, Reader, Skip
from transliconet.corpus.sources.delimited import DelimitedFiles
from transliconet.corpus.sources.files import has_suffix
from transliconet.corpus.sources.jsonl import JsonLines
from transliconet.corpus.sources.parquet import ParquetFiles
from transliconet.downstream.labelled import DEV, SPLITS, TEST, TRAIN, LabelledSplits, LabelledText
from transliconet.errors import ConfigError, Option

SPLIT_NAMES = {
    "train": TRAIN,
    "training": TRAIN,
    "dev": DEV,
    "valid": DEV,
    "validation": DEV,
    "test": TEST,
}
"""What tables call their splits → the names used here."""
CLEANING = Cleaning()
"""Mends texts and refuses some, as ``prepare`` does by default."""

Row = dict[str, Line | Skip]
"""``text``, ``label`` and perhaps ``split`` → the cell, as the readers of ``prepare`` give it."""


@dataclass(frozen=True)
class LabelColumns:
    """The columns of a table of labelled texts.

    Args:
        text, label: the text and its class.
        lang: tag of the row, e.g. ``hin_Deva``; None: the file's or its folder's name says it.
        id: of the text, the same in every language; None: rows of different languages are taken
            for different texts.
        split: ``train``, ``dev`` (or ``validation``) or ``test``; read where one table holds all.
    """

    text: str = "text"
    label: str = "label"
    lang: str | None = "lang"
    id: str | None = "id"
    split: str = "split"


@dataclass(frozen=True)
class LabelledTables:
    """Classification data in Parquet, JSON lines, CSV or TSV.

    Args:
        paths: files, folders or patterns that hold every split, told apart by ``columns.split``; or
            split → its files: ``{"train": "train.csv", "dev": "dev.csv", "test": "test/*.csv"}``.
        columns: what is where.
        tags: what the source's names of languages mean, see
            :class:`transliconet.language_tag.LanguageNames`.
        labels: names of numbered classes, in their order; None: the labels are what the table says.
        folder: where relative ``paths`` start; None: the working folder.
    """

    paths: str | Sequence[str] | Mapping[str, str | Sequence[str]]
    columns: LabelColumns = field(default_factory=LabelColumns)
    tags: Mapping[str, str] | str | None = None
    labels: Sequence[str] | None = None
    folder: str | Path | None = None

    def read(self) -> LabelledSplits:
        """Read all splits.

        Raises:
            ConfigError: ``paths`` names an unknown split, or a Parquet table has no column of
                languages.
            DataError: a file or column is missing.
        """
        found = LabelledSplits({split: [] for split in SPLITS})
        left_out: defaultdict[str, Counter[str]] = defaultdict(Counter)
        if isinstance(self.paths, Mapping):
            for name, paths in self.paths.items():
                split = SPLIT_NAMES.get(str(name).lower())
                if split is None:
                    raise ConfigError(
                        Option("paths", name),
                        "not a split",
                        f"Choose from: {', '.join(SPLITS)}",
                        code="TLN-CONFIG-650",
                    )
                self._read_table(paths, split, found, left_out)
        else:
            self._read_table(self.paths, None, found, left_out)
        found.left_out = {tag: dict(reasons) for tag, reasons in sorted(left_out.items())}
        return found

    def _read_table(
        self,
        paths: str | Sequence[str],
        split: str | None,
        found: LabelledSplits,
        left_out: defaultdict[str, Counter[str]],
    ) -> None:
        """Read the rows of one table; ``split`` None takes it from the row."""
        if self.folder is not None:
            several = [paths] if isinstance(paths, str) else paths
            paths = [str(Path(self.folder, path)) for path in several]
        columns = {"text": self.columns.text, "label": self.columns.label}
        if split is None:
            columns["split"] = self.columns.split
        readers = {name: self._reader(paths, column) for name, column in columns.items()}
        found.sources += readers["text"].sources()
        for tag, row in _rows(readers):
            reason = _missing_cell(row, readers)
            if not reason:
                cells = {name: cell.text for name, cell in row.items() if isinstance(cell, Line)}
                into = split or SPLIT_NAMES.get(cells["split"].strip().lower(), "")
                reason = self._add(row["text"], into, cells["label"].strip(), found)
            if reason:
                left_out[tag][reason] += 1

    def _add(self, line: Line | Skip, split: str, label: str, found: LabelledSplits) -> str:
        """Add a text to its split. Returns why it cannot be used; empty if it was added."""
        assert isinstance(line, Line), "rows with a missing cell are left out before"
        text, problem = CLEANING(line.text, line.lang)
        if self.labels is not None and label.isdecimal():
            number = int(label)
            label = self.labels[number] if number < len(self.labels) else ""
        if not split:
            return "unknown_split"
        if not label:
            return "unknown_label"
        if problem:
            return problem
        found.texts[split].append(LabelledText(line.id, line.lang, text, label))
        return ""

    def _reader(self, paths: str | Sequence[str], column: str) -> Reader:
        """A reader of one column."""
        first = paths if isinstance(paths, str) else next(iter(paths))
        lang, id_ = self.columns.lang, self.columns.id
        keywords: dict[str, Any] = {"tags": self.tags}
        if has_suffix(Path(first), ParquetFiles.suffixes):
            if lang is None:
                raise ConfigError(
                    Option("columns.lang", None),
                    "a Parquet table has its languages in a column",
                    "Name the column",
                    code="TLN-CONFIG-651",
                )
            return ParquetFiles(
                paths, text_column=column, lang_column=lang, id_column=id_, **keywords
            )
        if has_suffix(Path(first), JsonLines.suffixes):
            return JsonLines(paths, text_field=column, lang_field=lang, id_field=id_, **keywords)
        return DelimitedFiles(
            paths, text_column=column, lang_column=lang, id_column=id_, **keywords
        )


def _rows(readers: Mapping[str, Reader]) -> Iterator[tuple[str, Row]]:
    """The rows of a table: the tag of each, and its cells. Every reader reads one column."""
    rows: defaultdict[tuple[str, int], Row] = defaultdict(dict)  # (file, number) → cells
    for name, reader in readers.items():
        for cell in reader:
            rows[cell.source, cell.number][name] = cell
    for row in rows.values():
        first = next(iter(row.values()))
        yield str(first.lang), row


def _missing_cell(row: Row, names: Mapping[str, Reader]) -> str:
    """Why a row cannot be used: the reason of its first cell that is no text, or empty."""
    for name in names:
        cell = row.get(name)
        if cell is None:
            return "missing_field"
        if isinstance(cell, Skip):
            return cell.reason
    return ""
