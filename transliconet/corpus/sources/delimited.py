"""Delimited text: CSV, TSV and their relatives, one record a row."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from transliconet.corpus.sources.base import Line, Skip, TagCache, guarded, has_surrogate
from transliconet.corpus.sources.dialect import Dialect, KnownDialect, Row, sniff, usual_width
from transliconet.corpus.sources.files import (
    UNREADABLE,
    describe,
    find_files,
    relative_names,
)
from transliconet.corpus.sources.lines import LONGEST_LINE, numbered_lines, require_text
from transliconet.errors import ConfigError, DataError, Option
from transliconet.language_tag import LanguageNames, LanguageTag

SAMPLE_LINES, SAMPLE_CHARACTERS = 200, 1 << 20
"""The delimiter is found out from the first lines, up to these limits."""

_SEPARATOR_HINT = re.compile(r"sep=(.)\s*")
"""A first line with which Excel says what the delimiter is."""

_COMMENT_ENTRY = re.compile(r"\W*(?P<key>[^:]+?)\s*:\s*(?P<value>\S+)")


class DelimitedFiles:
    """Rows of fields, separated by commas, semicolons, tabs or another character.

    Args:
        paths: files, folders or patterns, compressed or not, UTF-8 or UTF-16 with byte-order mark.
        lang: tag of every row. None takes it from ``lang_column``, from the comments at the top
            of the file (``# closest ISO 639-3: hin``), or from the file's or folder's name.
        tags: what the source's names of languages mean, see :class:`LanguageNames`.
        text_column, lang_column, id_column, transliteration_column: names in the header, or
            numbers from 1. Without an id the id is ``<file>:<line number>``. Rows with equal ids
            are translations of each other.
        dialect: how rows are written.

    Raises:
        ConfigError: columns are given by name although there is no header.
        DataError: a column is missing, or a file is not text.
    """

    suffixes = (".csv", ".tsv", ".tab", ".txt")

    def __init__(
        self,
        paths: str | Sequence[str],
        *,
        lang: str | None = None,
        tags: Mapping[str, str] | str | None = None,
        text_column: str | int = "text",
        lang_column: str | int | None = None,
        id_column: str | int | None = None,
        transliteration_column: str | int | None = None,
        dialect: Dialect | None = None,
    ) -> None:
        self.names = LanguageNames(tags)
        self.dialect = dialect or Dialect()
        self.columns: dict[str, str | int | None] = {
            "text": text_column,
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
            option = Option(f"{name}_column", column)
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
            positions[name] = column - 1 if isinstance(column, int) else rows[0].index(column)
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
        known = sniff(dialect, sample, [], header=True)
        first = next((row for _, row in known.rows(enumerate(sample)) if row), []) if known else []
        missing = [c for c in named if c not in first]
        if missing:
            problem = f"no column {missing[0]!r}; the header has {', '.join(map(repr, first))}"
            option = next(name for name, c in self.columns.items() if c == missing[0])
            remedy = f"Set {option}_column to one of these"
            if option == "transliteration":
                remedy += ", or to null to romanize the text again"
        else:
            most = max(c for c in self.columns.values() if isinstance(c, int))
            problem = f"no column {most}; its rows have {len(first)}"
            remedy = "Set the numbers of the columns, and dialect.delimiter"
        return DataError(path, problem, remedy, code="TLN-DATA-101")

    def _tag_of(self, path: Path, comments: Sequence[str]) -> LanguageTag | None:
        """The language of a whole file; None where its rows say it."""
        if self.tag or self.columns["lang"] is not None:
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
                yield self._line(layout, number, row, tags)
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

    def _line(self, layout: "_Layout", number: int, row: Row, tags: TagCache) -> Line | Skip:
        source, lang = tags.source, layout.known_language
        if any(row[layout.width :]):
            detail = f"{len(row)} fields where there are {layout.width} columns"
            return Skip(source, number, lang, "extra_fields", detail=detail)
        fields = {name: row[i] for name, i in layout.positions.items() if i < len(row)}
        if missing := layout.positions.keys() - fields.keys():
            return Skip(source, number, lang, "missing_field", detail=min(missing))
        if has_surrogate("".join(fields.values())):
            return Skip(source, number, lang, "invalid_utf8")
        id_ = fields.get("id", f"{self.ids[layout.path]}:{number}").strip()
        if not id_:
            return Skip(source, number, lang, "missing_field", detail="id")
        line = tags.line(number, id_, layout.tag or fields["lang"].strip(), fields["text"])
        if isinstance(line, Line) and "transliteration" in fields:
            return replace(line, romanized=fields["transliteration"])
        return line


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


def language_in_comments(comments: Sequence[str]) -> str | None:
    """The language that the comments at the top of a file name, or None.

    They are those of the Parallel Bible Corpus:

    >>> language_in_comments(["# closest ISO 639-3:\\thin", "# ISO 15924:\\tDeva"])
    'hin_Deva'
    """
    entries: dict[str, str] = {}
    for comment in comments:
        if match := _COMMENT_ENTRY.match(comment):
            key = re.sub(r"[\s_-]+", " ", match["key"].lower())
            entries.setdefault(key, match["value"])
    language = entries.get("closest iso 639 3") or entries.get("iso 639 3")
    script = entries.get("iso 15924")
    return f"{language}_{script}" if language and script else language
