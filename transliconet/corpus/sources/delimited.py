"""Readers of files: plain text, CSV, JSON lines, Parquet."""

import csv
import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from transliconet.corpus.sources.base import (
    Line,
    Skip,
    TaggedFiles,
    has_surrogate,
)
from transliconet.corpus.sources.files import open_bytes
from transliconet.errors import DataError
from transliconet.language_tag import LanguageTag


class CsvFiles(TaggedFiles):
    """CSV as TransliCo's code writes it: a header with ``text`` and ``transliteration``.

    Args:
        paths, lang: see :class:`TextFiles`.
        text_column, transliteration_column: names in the header.
        use_transliteration: take the file's own romanization instead of romanizing again.

    Raises:
        DataError: a column is missing.
    """

    suffixes = (".csv",)

    def __init__(
        self,
        paths: str | Sequence[str],
        lang: str | None = None,
        text_column: str = "text",
        transliteration_column: str = "transliteration",
        use_transliteration: bool = True,
    ) -> None:
        super().__init__(paths, lang)
        self.text_column = text_column
        self.transliteration_column = transliteration_column if use_transliteration else None
        csv.field_size_limit(
            sys.maxsize
        )  # a long line is for the length rule to count, not for csv to refuse
        for path in self.files:
            for header in guarded_header(path):
                self._check_header(path, header)

    def _check_header(self, path: Path, header: list[str]) -> None:
        for column in filter(None, (self.text_column, self.transliteration_column)):
            if column not in header:
                raise DataError(
                    path,
                    f"no column {column!r}; the header has {', '.join(map(repr, header)) or 'nothing'}",
                    "Set corpus.text_column, corpus.transliteration_column or corpus.use_transliteration=false",
                    code="TLN-DATA-101",
                )

    def _lines(self, path: Path, tag: LanguageTag) -> Iterator[Line | Skip]:
        with _csv_text(path) as f:
            rows = csv.DictReader(f)
            for row in rows:
                text = row[self.text_column]
                romanized = (
                    row[self.transliteration_column] if self.transliteration_column else None
                )
                number = rows.line_num
                if text is None or (self.transliteration_column and romanized is None):
                    yield Skip(str(path), number, str(tag), "missing_field")
                elif has_surrogate(text + (romanized or "")):
                    yield Skip(str(path), number, str(tag), "invalid_utf8")
                else:
                    yield Line(str(path), number, f"{path.name}:{number}", tag, text, romanized)


def _csv_text(path: Path) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        open_bytes(path), encoding="utf-8-sig", errors="surrogateescape", newline=""
    )


def guarded_header(path: Path) -> list[list[str]]:
    """The header of a CSV file, or nothing if the file cannot be read: its rows are then counted as
    skipped.
    """
    try:
        with _csv_text(path) as f:
            return [next(csv.reader(f), [])]
    except (OSError, EOFError):
        return []
