"""Labelled texts from tables: Parquet, JSON lines, CSV, TSV."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from transliconet.corpus.cleaning import Cleaning
from transliconet.corpus.sources.base import Line, Reader, Skip
from transliconet.corpus.sources.columns import (
    Cells,
    RowKeys,
    column_reader,
    join_columns,
    table_reader,
)
from transliconet.corpus.sources.delimited import DelimitedFiles
from transliconet.corpus.sources.parquet import ParquetFiles
from transliconet.downstream.labelled import LabelledSplits, LabelledText
from transliconet.downstream.split_files import SplitPaths, paths_by_split, split_of
from transliconet.errors import ConfigError, Option

CLEANING = Cleaning()
"""Mends texts and refuses some, as ``prepare`` does by default."""


@dataclass(frozen=True)
class LabelColumns:
    """The columns of a table of labelled texts: names, or numbers from 1 without a header.

    Args:
        text, label: the text and its class.
        lang: tag of the row, e.g. ``hin_Deva``; None: the file's or its folder's name says it.
        id: of the text, the same in every language; None: rows of different languages are taken
            for different texts.
        split: ``train``, ``dev`` (or ``validation``) or ``test``; read where one table holds all.
    """

    text: str | int = "text"
    label: str | int = "label"
    lang: str | int | None = "lang"
    id: str | int | None = "id"
    split: str | int = "split"


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

    paths: SplitPaths
    columns: LabelColumns = field(default_factory=LabelColumns)
    tags: Mapping[str, str] | str | None = None
    labels: Sequence[str] | None = None
    folder: str | Path | None = None

    def read(self) -> LabelledSplits[LabelledText]:
        """Read all splits.

        Raises:
            ConfigError: ``paths`` names an unknown split, or a Parquet table has no column of
                languages.
            DataError: a file or column is missing.
        """
        found: LabelledSplits[LabelledText] = LabelledSplits.empty()
        for split, paths in paths_by_split(self.paths, self.folder, self.tags):
            self._read_table(paths, split, found)
        return found

    def _read_table(
        self, paths: Sequence[str], split: str | None, found: LabelledSplits[LabelledText]
    ) -> None:
        """Read the rows of one table; ``split`` None takes it from the row."""
        columns = {"text": self.columns.text, "label": self.columns.label}
        if split is None:
            columns["split"] = self.columns.split
        readers = {name: self._reader(paths, column) for name, column in columns.items()}
        found.sources += readers["text"].sources()
        for row in join_columns(readers):
            reason = _missing_cell(row, readers)
            if not reason:
                cells = {name: cell.text for name, cell in row.items() if isinstance(cell, Line)}
                into = split or split_of(cells["split"])
                reason = self._add(row["text"], into, cells["label"].strip(), found)
            if reason:
                first = next(iter(row.values()))
                found.leave_out(str(first.lang), reason)

    def _add(
        self, line: Line | Skip, split: str, label: str, found: LabelledSplits[LabelledText]
    ) -> str:
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

    def _reader(self, paths: Sequence[str], column: str | int) -> Reader:
        """A reader of one column."""
        kind = table_reader(paths[0]) or DelimitedFiles
        if kind is ParquetFiles and self.columns.lang is None:
            raise ConfigError(
                Option("columns.lang", None),
                "a Parquet table has its languages in a column",
                "Name the column",
                code="TLN-CONFIG-651",
            )
        keys = RowKeys(self.columns.lang, self.columns.id, tags=self.tags)
        return column_reader(kind, paths, column, keys)


def _missing_cell(row: Cells, names: Mapping[str, Reader]) -> str:
    """Why a row cannot be used: the reason of its first cell that is no text, or empty."""
    for name in names:
        cell = row.get(name)
        if cell is None:
            return "missing_field"
        if isinstance(cell, Skip):
            return cell.reason
    return ""
