"""Text that people romanized by hand: a table with the native text, what was typed, and perhaps a
translation.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from transliconet.corpus.cleaning import Cleaning
from transliconet.corpus.sources.base import Line, Reader, Skip
from transliconet.corpus.sources.columns import (
    READERS,
    RowKeys,
    column_reader,
    join_columns,
    table_reader,
)
from transliconet.errors import ConfigError, DataError, Option
from transliconet.language_tag import LanguageTag
from transliconet.probe.views import HUMAN, NATIVE

PIVOT = "pivot"
"""Stands for the translation, beside the views."""
NOTHING_THERE = ("missing_field", "empty")
"""Reasons of readers and of cleaning for a text that is not there."""
UNUSABLE_COLUMN = frozenset({"TLN-DATA-101", "TLN-DATA-115", "TLN-DATA-118"})
"""What readers raise where a column is missing or of another type."""
UNKNOWN = "unknown"
"""Stands in for the tag of a row whose language cannot be read."""


@dataclass(frozen=True)
class TypedColumns:
    """The columns of a table of typed text: names, or numbers from 1 in a file without a header.

    Args:
        native: text in the language's own script.
        romanized: what people typed for it; None where there is nothing, but translations.
        lang: tag of the row, e.g. ``hin_Deva``.
        pivot: translation; None where there is none.
    """

    native: str | int = "native"
    romanized: str | int | None = "romanized"
    lang: str | int = "lang"
    pivot: str | int | None = None


@dataclass(frozen=True)
class TypedText:
    """One row, mended; an empty text is one that is not there.

    Args:
        lang: tag of the native text.
        native, human: the text, and what people typed for it.
        pivot: translation.
    """

    lang: LanguageTag
    native: str
    human: str
    pivot: str


@dataclass
class TypedTexts:
    """What a file holds.

    Args:
        rows: number of rows read.
        texts: those that can be used, in the order of the file.
        left_out: tag → reason (:data:`transliconet.probe.passed_over.REASONS`) → rows.
    """

    rows: int = 0
    texts: list[TypedText] = field(default_factory=list)
    left_out: dict[str, dict[str, int]] = field(default_factory=dict)

    def of_languages(self, tags: Collection[str]) -> "TypedTexts":
        """The same of some languages only."""
        texts = [text for text in self.texts if str(text.lang) in tags]
        left_out = {tag: reasons for tag, reasons in self.left_out.items() if tag in tags}
        return TypedTexts(self.rows, texts, left_out)

    def leave_out(self, tag: str, reason: str) -> None:
        """Count a row."""
        reasons = self.left_out.setdefault(tag, {})
        reasons[reason] = reasons.get(reason, 0) + 1


class TypedFile:
    """A file of typed text, read by the readers of ``prepare``: compressed or not, damaged rows
    counted.

    Args:
        path: Parquet, JSON lines, CSV or TSV, told apart by the suffix.
        columns: what is where.
        lang: tag of every row; None takes it from ``columns.lang``.
        pivot: tag of the translations.
        tags: what the file's names of languages mean, see
            :class:`transliconet.language_tag.LanguageNames`.

    Raises:
        ConfigError: the suffix is none of these.
        DataError: no such file, or it lacks a column.
    """

    def __init__(
        self,
        path: str | Path,
        columns: TypedColumns,
        lang: str | None = None,
        pivot: str = "eng_Latn",
        tags: Mapping[str, str] | str | None = None,
    ) -> None:
        self.path, self.columns = Path(path).expanduser(), columns
        self.lang, self.tags = lang, tags
        self.pivot = LanguageTag.parse(pivot, Option("pivot", pivot))
        if not self.path.is_file():
            raise DataError(
                Option("path", path),
                "no such file",
                "Give a Parquet, JSON lines, CSV or TSV file of typed text",
                code="TLN-DATA-610",
            )
        self.readers: dict[str, Reader] = {}
        if columns.romanized is not None:
            self.readers[HUMAN] = self._reader(columns.romanized, lang)
        self.readers[NATIVE] = self._reader(columns.native, lang)
        if columns.pivot is not None:
            self.readers[PIVOT] = self._reader(columns.pivot, str(self.pivot))

    def _reader(self, column: str | int, lang: str | None) -> Reader:
        """A reader of one column; the rows of all have the same numbers."""
        kind = table_reader(self.path)
        if kind is None:
            suffixes = [suffix for kind in READERS for suffix in kind.suffixes]
            raise ConfigError(
                Option("path", self.path),
                f"{self.path.suffix or 'no'} suffix",
                f"Give a file that ends in one of: {', '.join(suffixes)}",
                code="TLN-CONFIG-611",
            )
        keys = RowKeys(self.columns.lang, lang=lang, tags=self.tags)
        try:
            return column_reader(kind, str(self.path), column, keys)
        except DataError as error:
            if error.code not in UNUSABLE_COLUMN:
                raise
            raise DataError(
                error.given,
                error.problem,
                "Name them with columns.native, columns.romanized, columns.lang (or lang for all "
                "rows) and columns.pivot",
                code="TLN-DATA-611",
            ) from error

    def read(self, min_words: int = 1) -> TypedTexts:
        """All rows, those that cannot be used counted by language and reason.

        Args:
            min_words: rows with fewer words, as spaces separate what people typed, are left out.
        """
        rows = list(join_columns(self.readers))
        found = TypedTexts(rows=len(rows))
        seen: set[tuple[str, str, str]] = set()  # (column, tag, text)
        for row in rows:
            tag, text, reason = self._text_of(row)
            if text is None or reason:
                found.leave_out(tag, reason)
            elif len((text.human or text.native).split()) < min_words:
                found.leave_out(tag, "too_few_words")
            else:
                self._keep(text, seen, found)
        return found

    def _text_of(self, row: Mapping[str, Line | Skip]) -> tuple[str, TypedText | None, str]:
        """The language of a row, its texts, and why it cannot be used."""
        texts: dict[str, str] = {}
        lang: LanguageTag | None = None
        named = UNKNOWN
        missing, reasons = [], []
        for name in self.readers:
            cell = row.get(name)
            if cell is None:
                continue  # the file could not be read to its end
            if name != PIVOT:
                named = str(cell.lang)
            if isinstance(cell, Line):
                texts[name], reason = CLEANING(cell.text, cell.lang)
                if name != PIVOT:
                    lang = cell.lang
            else:
                reason = cell.reason
            if reason in NOTHING_THERE:
                missing.append(reason)
                texts[name] = ""
            elif reason:
                reasons.append(reason)
        if reasons or lang is None:
            return str(lang or named), None, [*reasons, *missing][0]
        text = TypedText(
            lang, texts.get(NATIVE, ""), human=texts.get(HUMAN, ""), pivot=texts.get(PIVOT, "")
        )
        return str(lang), text, _reason(text, typed=HUMAN in self.readers)

    def _keep(self, text: TypedText, seen: set[tuple[str, str, str]], found: TypedTexts) -> None:
        """Add a text that no earlier row has; which of two equal ones is meant, nobody can tell."""
        tag = str(text.lang)
        for name, content in ((NATIVE, text.native), (HUMAN, text.human)):
            if content and (name, tag, content) in seen:
                found.leave_out(tag, f"duplicate_{name}_text")
                return
        if not text.native:
            found.leave_out(tag, "no_native_text")
        pivot = text.pivot
        if PIVOT in self.readers and not pivot:
            found.leave_out(tag, "no_pivot_text")
        elif pivot and (PIVOT, tag, pivot) in seen:
            found.leave_out(tag, "duplicate_pivot_text")
            pivot = ""
        for name, content in ((NATIVE, text.native), (HUMAN, text.human), (PIVOT, pivot)):
            seen.add((name, tag, content))
        found.texts.append(TypedText(text.lang, text.native, human=text.human, pivot=pivot))


CLEANING = Cleaning()
"""Mends texts and refuses some, as ``prepare`` does by default."""


def _reason(text: TypedText, typed: bool) -> str:
    """Why a row cannot be used; empty if it can. ``typed``: whether the file has typed text."""
    if not typed:
        return "" if text.native else "no_text"
    if not text.human:
        return "no_human_text"
    if not text.native and not text.pivot:
        return "only_human_text"
    if text.human == text.native:
        return "same_as_native"
    return ""
