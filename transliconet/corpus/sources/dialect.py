"""How rows of delimited text are written: delimiter, header, comments, quoting."""

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from transliconet.errors import ConfigError, DataError, Option, require_choice

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}

QUOTING = ("excel", "none")

LONGEST_FIELD = 1000
"""Most lines of a quoted field. Where one goes on longer, its quote was not meant to open a field,
and its first line counts as damaged.
"""

Row = list[str]


@dataclass(frozen=True)
class Dialect:
    """How rows are written.

    Args:
        delimiter: ``comma``, ``semicolon``, ``tab``, ``pipe`` or the character itself; None finds
            it out from the first lines.
        header: whether the first row names the columns; None: it does where a column is given by
            its name.
        comment: lines that begin with it are no rows, e.g. ``#``.
        quoting: ``excel``: a field may stand in double quotes, and then hold delimiters, line ends
            and doubled quotes. ``none``: quotes are text. None: ``excel`` for tab only where
            the first lines show it, and for other delimiters always.
    """

    delimiter: str | None = None
    header: bool | None = None
    comment: str | None = None
    quoting: str | None = None

    def __post_init__(self) -> None:
        if self.quoting is not None:
            require_choice("quoting", self.quoting, QUOTING)
        if self.delimiter is not None and len(self.separator(self.delimiter)) != 1:
            raise ConfigError(
                Option("delimiter", self.delimiter),
                "not a single character",
                f"Give one, or one of: {', '.join(DELIMITERS)}",
                code="TLN-CONFIG-110",
            )

    @staticmethod
    def separator(delimiter: str) -> str:
        """The character that a name such as ``tab`` stands for."""
        return DELIMITERS.get(delimiter, "\t" if delimiter == "\\t" else delimiter)

    def with_delimiter(self, delimiter: str) -> Self:
        """The same dialect with ``delimiter``, unless it has one already."""
        return self if self.delimiter else replace(self, delimiter=delimiter)

    def is_comment(self, line: str) -> bool:
        """Whether a line is a comment, and so no row."""
        return bool(self.comment) and line.startswith(str(self.comment))


@dataclass(frozen=True)
class KnownDialect:
    """The delimiter and quoting of one file, once they are known."""

    delimiter: str
    quoted: bool

    def rows(self, lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, Row | None]]:
        """Split lines into rows.

        Args:
            lines: numbers and texts of lines. A quoted field may go on over several.

        Returns:
            An iterator over the number of the first line and the fields of each row. None stands
            for a line whose quotes are not well-formed; the next row begins after it.
        """
        source = iter(lines)
        waiting: deque[tuple[int, str]] = deque()  # lines to read again after a damaged one
        while (first := _next(waiting, source)) is not None:
            number, line = first
            if not self.quoted or '"' not in line:
                yield number, line.split(self.delimiter)
                continue
            parser = _QuotedRow(self.delimiter)
            state = parser.feed(line)
            taken: list[tuple[int, str]] = []
            while state == "open" and len(taken) < LONGEST_FIELD:
                following = _next(waiting, source)
                if following is None:
                    break
                taken.append(following)
                state = parser.feed(following[1])
            if state == "done":
                yield number, parser.fields
            else:
                yield number, None
                waiting.extendleft(reversed(taken))


def _next(
    waiting: deque[tuple[int, str]], source: Iterator[tuple[int, str]]
) -> tuple[int, str] | None:
    return waiting.popleft() if waiting else next(source, None)


class _QuotedRow:
    """Reads a row line by line. Every character is looked at once."""

    def __init__(self, delimiter: str) -> None:
        self.delimiter = delimiter
        self.fields: Row = []
        self._open: list[str] | None = None  # the lines so far of a field whose quote is open

    def feed(self, line: str) -> str:
        """``done``, ``open`` (the row goes on in the next line) or ``damaged``."""
        position = 0
        while True:
            if self._open is None and line[position : position + 1] == '"':
                self._open = []
                position += 1
            if self._open is None:
                end = line.find(self.delimiter, position)
                self.fields.append(line[position:] if end < 0 else line[position:end])
            else:
                closing = _closing_quote(line, position)
                if closing < 0:
                    self._open.append(line[position:])
                    return "open"
                self._open.append(line[position:closing])
                self.fields.append("\n".join(self._open).replace('""', '"'))
                self._open = None
                end = closing + 1 if closing + 1 < len(line) else -1
                if end > 0 and line[end] != self.delimiter:
                    return "damaged"
            if end < 0:
                return "done"
            position = end + 1


_QUOTED_TEXT = re.compile(r'[^"]*+(?:""[^"]*+)*+')


def _closing_quote(line: str, start: int) -> int:
    """Position of the first quote from ``start`` on that is not doubled, or -1."""
    match = _QUOTED_TEXT.match(line, start)
    end = match.end() if match else start
    return end if end < len(line) else -1


def sniff(
    dialect: Dialect, sample: Sequence[str], columns: Sequence[str | int], header: bool
) -> KnownDialect | None:
    """The delimiter and quoting that fit the first lines of a file.

    Args:
        dialect: what is given.
        sample: the first lines, without comments.
        columns: what must be found: names in the header, or numbers from 1.
        header: whether the first line is a header.

    Returns:
        The fitting candidate in which the most rows have the usual number of fields, of these the
        one with the most fields. None where every candidate lacks a column.
    """
    given = dialect.delimiter
    candidates = [Dialect.separator(given)] if given else [*DELIMITERS.values()]
    names = {column for column in columns if isinstance(column, str)} if header else set()
    best: tuple[float, int, KnownDialect] | None = None
    for delimiter in candidates:
        known = KnownDialect(delimiter, _quoted(dialect, delimiter, sample, names))
        rows = [row for _, row in known.rows(enumerate(sample)) if row]
        if not rows or not _has_columns(rows, columns, header):
            continue
        width = usual_width(rows, header)
        agreeing = sum(len(row) == width for row in rows) / len(rows)
        if best is None or (agreeing, width) > best[:2]:
            best = agreeing, width, known
    return best[2] if best else None


def column_position(path: Path, header: Row, column: str | int) -> int:
    """The position of a column, from 0.

    Args:
        path: of the file, for the error.
        header: the first row.
        column: a name in the header, or a number from 1.

    Raises:
        DataError: two columns have that name.
    """
    if isinstance(column, int):
        return column - 1
    if (number := header.count(column)) > 1:
        raise DataError(
            path,
            f"{number} columns are called {column!r}",
            "Rename one, or give a number: corpus=delimited, with dialect.header=true",
            code="TLN-DATA-107",
        )
    return header.index(column)


def usual_width(rows: Sequence[Row], header: bool) -> int:
    """The number of columns.

    Args:
        rows: the first rows of a file.
        header: whether the first one is a header.

    Returns:
        The number of fields of the header; without one, that of most rows.
    """
    if header:
        return len(rows[0])
    return Counter(map(len, rows)).most_common(1)[0][0]


def _has_columns(rows: Sequence[Row], columns: Sequence[str | int], header: bool) -> bool:
    numbers = [c for c in columns if isinstance(c, int)]
    names = [c for c in columns if isinstance(c, str)]
    if header and not set(names) <= set(rows[0]):
        return False
    return usual_width(rows, header) >= max(numbers, default=1)


_WHOLE_FIELD_QUOTED = re.compile(r'"[^"]*+(?:""[^"]*+)++"')


def _quoted(dialect: Dialect, delimiter: str, sample: Sequence[str], names: set[str]) -> bool:
    """Whether fields are quoted as Excel does it; ``names`` are those wanted in the header."""
    if dialect.quoting is not None:
        return dialect.quoting == "excel"
    if delimiter != "\t":
        return True
    # Tab-separated corpora hold quotes as text. Excel's have doubled ones in a quoted field, and
    # some programs quote every field, those of the header too.
    strict = KnownDialect(delimiter, quoted=True)
    shown = False
    for line in sample:
        fields = [f for f in line.split(delimiter) if f.startswith('"')]
        shown = shown or any(_WHOLE_FIELD_QUOTED.fullmatch(f) for f in fields)
    rows = [row for _, row in strict.rows(enumerate(sample))]
    if names and rows and rows[0]:
        quoted_header = names <= set(rows[0]) and not names <= set(sample[0].split(delimiter))
        shown = shown or quoted_header
    return shown and None not in rows


_COMMENT_ENTRY = re.compile(r"\W*(?P<key>[^:]+?)\s*:\s*(?P<value>\S+)")


def language_in_comments(comments: Sequence[str]) -> str | None:
    """Read the language from the comments at the top of a file.

    The Parallel Bible Corpus has such comments.

    Args:
        comments: lines with their comment sign.

    Returns:
        The code, with the script if the comments name it; None where they name no language.

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
