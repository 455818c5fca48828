"""Delimited text: CSV, TSV and their relatives, one record a row."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from transliconet.corpus.sources.base import Line, Skip, TagCache, guarded, has_surrogate
from transliconet.corpus.sources.dialect import (
    Dialect,
    KnownDialect,
    Row,
    column_position,
    language_in_comments,
    sniff,
    usual_width,
)
from transliconet.corpus.sources.files import UNREADABLE, describe, find_files, relative_names
from transliconet.corpus.sources.lines import LONGEST_LINE, numbered_lines, require_text
from transliconet.errors import ConfigError, DataError, Option
from transliconet.language_tag import LanguageNames, LanguageTag

SAMPLE_LINES, SAMPLE_CHARACTERS = 200, 1 << 20
"""The delimiter is found out from the first lines, up to these limits."""

_SEPARATOR_HINT = re.compile(r"sep=(.)\s*")
"""A first line with which Excel says what the delimiter is."""


class DelimitedFiles:
    """Rows of fields, separated by commas, semicolons, tabs or another character.

    Args:
        paths: files, folders or patterns, compressed or not, UTF-8 or UTF-16 with byte-order mark.
        lang: tag of every row. None takes it from ``lang_column``, from the comments at the top
            of the file (``# closest ISO 639-3: hin``), or from the file's or folder's name.
        tags: what the source's names of languages mean, see :class:`LanguageNames`.
        text_column, lang_column, id_column, transliteration_column: names in the header, or
            numbers from 1. Without an id the id is ``<file>:<line number>``. Rows with equal ids
            are translations of each other. Where a row holds a text and its translations,
            ``text_column`` maps languages to columns: ``{"eng_Latn": 1, "hin_Deva": 2}``.
        dialect: how rows are written.

    Raises:
        ConfigError: columns are given by name although there is no header, or two options say the
            language.
        DataError: a column is missing, or a file is not text.
    """

    suffixes = (".csv", ".tsv", ".tab", ".txt")

    def __init__(
        self,
        paths: str | Sequence[str],
        *,
        lang: str | None = None,
        tags: Mapping[str, str] | str | None = None,
        text_column: str | int | Mapping[str, str | int] = "text",
        lang_column: str | int | None = None,
        id_column: str | int | None = None,
        transliteration_column: str | int | None = None,
        dialect: Dialect | None = None,
    ) -> None:
        self.names = LanguageNames(tags)
        self.dialect = dialect or Dialect()
        self.text_tags: dict[str, LanguageTag | None] = {"text": None}
        text_columns: dict[str, str | int] = {}
        if isinstance(text_column, Mapping):
            self.text_tags = {f"text {name}": self.names.tag(name) for name in text_column}
            text_columns = {f"text {name}": column for name, column in text_column.items()}
            if lang or lang_column or transliteration_column:
                raise ConfigError(
                    Option("text_column", dict(text_column)),
                    "says the language of each column already",
                    "Leave lang, lang_column and transliteration_column out",
                    code="TLN-CONFIG-113",
                )
        else:
            text_columns = {"text": text_column}
        self.columns: dict[str, str | int | None] = {
            **text_columns,
            "lang": None if lang else lang_column,
            "id": id_column,
            "transliteration": transliteration_column,
        }
        self._check_columns()
        self.files = find_files(paths, self.suffixes)
        require_text(self.files)
        self.ids = relative_names(self.files)
        self.tag = self.names.tag(lang, Option("lang", lang)) if lang else None
        self.layouts = [self._layout(path) for path in self.files]

    def sources(self) -> list[dict[str, object]]:
        return describe(self.files)

    def __iter__(self) -> Iterator[Line | Skip]:
        for layout in self.layouts:
            yield from guarded(layout.path, layout.known_language, self._lines(layout))

    def _check_columns(self) -> None:
        for name, column in self.columns.items():
            option = Option(_option_of(name), column)
            if isinstance(column, str) and self.dialect.header is False:
                raise ConfigError(
                    option,
                    "a name, but header=false says that no row names the columns",
                    "Give the column's number, from 1",
                    code="TLN-CONFIG-111",
                )
            if isinstance(column, int) and column < 1:
                raise ConfigError(
                    option, "not a column", "Columns count from 1", code="TLN-CONFIG-112"
                )

    @property
    def _has_header(self) -> bool:
        if self.dialect.header is not None:
            return self.dialect.header
        return any(isinstance(column, str) for column in self.columns.values())

    def _layout(self, path: Path) -> "_Layout":
        """How the file's rows are written and where its columns are, from its first lines."""
        comments, sample, dialect = self._first_lines(path)
        tag = self._tag_of(path, comments)
        wanted = {name: c for name, c in self.columns.items() if c is not None}
        if not sample:
            return _Layout(path, tag, KnownDialect(",", quoted=True))
        known = sniff(dialect, sample, list(wanted.values()), self._has_header)
        if known is None:
            raise self._missing_column(path, dialect, sample)
        rows = [row for _, row in known.rows(enumerate(sample)) if row]
        positions: dict[str, int] = {}
        for name, column in wanted.items():
            positions[name] = column_position(path, rows[0], column)
        width = usual_width(rows, self._has_header)
        return _Layout(path, tag, known, positions=positions, width=width)

    def _first_lines(self, path: Path) -> tuple[list[str], list[str], Dialect]:
        """The first comments and rows, and the dialect that the first line may set."""
        comments: list[str] = []
        rows: list[str] = []
        dialect = self.dialect
        try:
            for number, raw in islice(numbered_lines(path), SAMPLE_LINES):
                if sum(map(len, rows)) > SAMPLE_CHARACTERS:
                    break
                line = (raw or b"").decode("utf-8", "surrogateescape")
                if self.dialect.is_comment(line):
                    comments.append(line)
                elif number == 1 and (hint := _SEPARATOR_HINT.fullmatch(line)):
                    dialect = dialect.with_delimiter(hint[1])
                elif line.strip():
                    rows.append(line)
        except UNREADABLE:
            pass  # its lines are counted as skipped when they are read
        return comments, rows, dialect

    def _missing_column(self, path: Path, dialect: Dialect, sample: Sequence[str]) -> DataError:
        named = [c for c in self.columns.values() if isinstance(c, str)]
        # With the delimiter that finds one of the columns, the header shows how others are called.
        found = [sniff(dialect, sample, [column], header=True) for column in named]
        fitting = [known for known in found if known]
        known = fitting[0] if fitting else sniff(dialect, sample, [], header=True)
        first = next((row for _, row in known.rows(enumerate(sample)) if row), []) if known else []
        missing = [c for c in named if c not in first]
        if missing:
            problem = f"no column {missing[0]!r}; the header has {', '.join(map(repr, first))}"
            name = next(name for name, c in self.columns.items() if c == missing[0])
            remedy = f"Set {_option_of(name)} to one of these"
            if name == "transliteration":
                remedy += ", or to null to romanize the text again"
        else:
            most = max(c for c in self.columns.values() if isinstance(c, int))
            problem = f"no column {most}; its rows have {len(first)}"
            remedy = "Set the numbers of the columns, and dialect.delimiter"
        return DataError(path, problem, remedy, code="TLN-DATA-101")

    def _tag_of(self, path: Path, comments: Sequence[str]) -> LanguageTag | None:
        """The language of a whole file; None where its rows say it."""
        if self.tag or self.columns["lang"] is not None or "text" not in self.text_tags:
            return self.tag
        if named := language_in_comments(comments):
            return self.names.tag(named, f"{path}: {named}")
        return self.names.tag_of_file(path)

    def _lines(self, layout: "_Layout") -> Iterator[Line | Skip]:
        source, known = str(layout.path), layout.known_language
        tags = TagCache(source, self.names)
        too_long: list[Skip] = []
        rows = layout.dialect.rows(self._row_lines(layout.path, known, too_long))
        header_seen = not self._has_header
        for number, row in rows:
            yield from too_long
            too_long.clear()
            if row is None:
                detail = "a quoted field does not end at a delimiter, or not at all"
                yield Skip(source, number, known, "damaged_quoting", detail=detail)
            elif not any(row):
                yield Skip(source, number, known, "empty")
            elif not header_seen:
                header_seen = True
            else:
                fields = self._fields(layout, number, row)
                if isinstance(fields, Skip):
                    yield fields
                else:
                    yield from self._lines_of_row(layout, number, fields, tags)
        yield from too_long

    def _row_lines(self, path: Path, lang: str, too_long: list[Skip]) -> Iterator[tuple[int, str]]:
        """The lines that make up rows. An invalid byte becomes a surrogate, to be found later."""
        for number, raw in numbered_lines(path):
            if raw is None:
                detail = f"more than {LONGEST_LINE} bytes"
                too_long.append(Skip(str(path), number, lang, "too_long", detail=detail))
                continue
            line = raw.decode("utf-8", "surrogateescape")
            hint = number == 1 and _SEPARATOR_HINT.fullmatch(line)
            if not (hint or self.dialect.is_comment(line)):
                yield number, line

    def _fields(self, layout: "_Layout", number: int, row: Row) -> dict[str, str] | Skip:
        """The row's fields by what they hold, or why it cannot be used."""
        source, lang = str(layout.path), layout.known_language
        if any(row[layout.width :]):
            detail = f"{len(row)} fields where there are {layout.width} columns"
            return Skip(source, number, lang, "extra_fields", detail=detail)
        fields = {name: row[i] for name, i in layout.positions.items() if i < len(row)}
        if missing := layout.positions.keys() - fields.keys():
            return Skip(source, number, lang, "missing_field", detail=min(missing))
        if has_surrogate("".join(fields.values())):
            return Skip(source, number, lang, "invalid_utf8")
        fields["id"] = fields.get("id", f"{self.ids[layout.path]}:{number}").strip()
        if not fields["id"]:
            return Skip(source, number, lang, "missing_field", detail="id")
        return fields

    def _lines_of_row(
        self, layout: "_Layout", number: int, fields: Mapping[str, str], tags: TagCache
    ) -> Iterator[Line | Skip]:
        for name, column_tag in self.text_tags.items():
            lang = column_tag or layout.tag or fields["lang"].strip()
            line = tags.line(number, fields["id"], lang, fields[name])
            if isinstance(line, Line) and "transliteration" in fields:
                line = replace(line, romanized=fields["transliteration"])
            yield line


class TranslicoCsv(DelimitedFiles):
    """The CSV of TransliCo's code: a header with ``text`` and ``transliteration``.

    Args:
        paths, lang, tags, text_column, transliteration_column: see :class:`DelimitedFiles`.
        use_transliteration: take the file's own romanization instead of romanizing again.
    """

    def __init__(
        self,
        paths: str | Sequence[str],
        *,
        lang: str | None = None,
        tags: Mapping[str, str] | str | None = None,
        text_column: str | int = "text",
        transliteration_column: str | int = "transliteration",
        use_transliteration: bool = True,
    ) -> None:
        super().__init__(
            paths,
            lang=lang,
            tags=tags,
            text_column=text_column,
            transliteration_column=transliteration_column if use_transliteration else None,
        )


def _option_of(name: str) -> str:
    """The option that sets a column: ``text_column`` for ``text`` and ``text hi``."""
    return f"{name.split()[0]}_column"


@dataclass(frozen=True)
class _Layout:
    """How to read a file: its language unless its rows say it, the dialect, positions from 0 of the
    columns by what they hold, and their number.
    """

    path: Path
    tag: LanguageTag | None
    dialect: KnownDialect
    positions: dict[str, int] = field(default_factory=dict)
    width: int = 0

    @property
    def known_language(self) -> str:
        return str(self.tag or "unknown")
