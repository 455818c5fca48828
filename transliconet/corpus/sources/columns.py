"""Several columns of a table, row by row: Parquet, JSON lines, CSV or TSV, by the readers of
``prepare``.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from transliconet.corpus.sources import base
from transliconet.corpus.sources.base import Line, Reader, Skip
from transliconet.corpus.sources.delimited import DelimitedFiles
from transliconet.corpus.sources.files import has_suffix
from transliconet.corpus.sources.jsonl import JsonLines
from transliconet.corpus.sources.parquet import ParquetFiles

READERS = (ParquetFiles, JsonLines, DelimitedFiles)
"""Readers of tables, told apart by the suffixes of their files."""

Cells = dict[str, Line | Skip]
"""Name of a column → its cell in one row."""


@dataclass(frozen=True)
class RowKeys:
    """What says the language and the id of a row.

    Args:
        lang_column: column of its tag; None: the file's or its folder's name.
        id_column: column of its id; None: the file and the row's number.
        lang: tag of every row, in place of ``lang_column``.
        tags: what the source's names of languages mean, see
            :class:`transliconet.language_tag.LanguageNames`.
    """

    lang_column: str | int | None = None
    id_column: str | int | None = None
    lang: str | None = None
    tags: Mapping[str, str] | str | None = None


def table_reader(path: str | Path) -> type | None:
    """The class that reads tables with the suffix of ``path``; None if there is none."""
    return next((kind for kind in READERS if has_suffix(Path(path), kind.suffixes)), None)


def column_reader(
    kind: type, paths: str | Sequence[str], column: str | int, keys: RowKeys
) -> Reader:
    """A reader of one column of text.

    Args:
        kind: one of :data:`READERS`.
        paths: files, folders or patterns.
        column: its name; of delimited files also its number from 1.
        keys: what is read beside it.

    Raises:
        DataError: a file or a column is missing.
    """
    lang, id_, tags = keys.lang_column, keys.id_column, keys.tags
    if kind is DelimitedFiles:
        return DelimitedFiles(
            paths,
            lang=keys.lang,
            tags=tags,
            text_column=column,
            lang_column=None if keys.lang else lang,
            id_column=id_,
        )
    name = str(column)
    id_name = None if id_ is None else str(id_)
    if kind is JsonLines:
        lang_name = None if lang is None else str(lang)
        return JsonLines(
            paths,
            lang=keys.lang,
            tags=tags,
            text_field=name,
            lang_field=lang_name,
            id_field=id_name,
        )
    return ParquetFiles(
        paths,
        lang=keys.lang,
        tags=tags,
        text_column=name,
        lang_column=str(lang),
        id_column=id_name,
    )


def join_columns(readers: Mapping[str, Reader]) -> Iterator[Cells]:
    """The rows of a table in the order of its files, each with its cells.

    Args:
        readers: name of a column → its reader. A cell that no reader gives is missing in its row:
            the file could not be read to its end.
    """
    rows: defaultdict[tuple[str, int], Cells] = defaultdict(dict)  # (file, number) → cells
    files: dict[str, int] = {}
    with _each_warning_once():
        for name, reader in readers.items():
            for cell in reader:
                files.setdefault(cell.source, len(files))
                rows[cell.source, cell.number][name] = cell
    for place in sorted(rows, key=lambda place: (files[place[0]], place[1])):
        yield rows[place]


@contextmanager
def _each_warning_once() -> Iterator[None]:
    """Readers of several columns of a file say the same of its rows: tell it once."""
    told: set[str] = set()

    def is_new(record: logging.LogRecord) -> bool:
        message = record.getMessage()
        new = message not in told
        told.add(message)
        return new

    base.log.addFilter(is_new)
    try:
        yield
    finally:
        base.log.removeFilter(is_new)
