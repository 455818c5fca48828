"""What a source of text is: an iterator that yields each of its lines once, as a line or as a skip
with a reason.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from transliconet.corpus.sources.files import (
    UNREADABLE,
    describe,
    find_files,
)
from transliconet.errors import DataError
from transliconet.language_tag import LanguageTag

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """One text of one language. ``romanized`` is set only where the source brings its own
    transliteration.
    """

    source: str
    number: int
    id: str
    lang: LanguageTag
    text: str
    romanized: str | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """A line that is kept out: where it stood and why."""

    source: str
    number: int
    lang: str
    reason: str
    detail: str = ""


class Reader(Protocol):
    """A source of lines."""

    def __iter__(self) -> Iterator[Line | Skip]: ...

    def sources(self) -> list[dict[str, object]]:
        """One entry per file or package read, with its SHA-256 or version, for the manifest."""
        ...


def guarded(path: Path, lang: str, lines: Iterable[Line | Skip]) -> Iterator[Line | Skip]:
    """``lines`` of a file; where it cannot be read on, one skip (``unreadable_rest``) stands for
    what is left.
    """
    number = 0
    try:
        for line in lines:
            number = line.number
            yield line
    except UNREADABLE as error:
        what = f"{type(error).__name__}: {error}"
        log.warning(
            "%s cannot be read after line %d (%s); what is left of it is kept out",
            path,
            number,
            what,
        )
        yield Skip(str(path), number + 1, lang, "unreadable_rest", what)


def has_surrogate(text: str) -> bool:
    """Whether ``surrogateescape`` had to stand in for a byte, or a lone surrogate came with the
    text.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


class TaggedFiles:
    """Files of one language each: the tag of every file is ``lang``, or that of its name
    (``hin_Deva.txt``).
    """

    suffixes: tuple[str, ...]

    def __init__(self, paths: str | Sequence[str], lang: str | None = None) -> None:
        self.files = find_files(paths, self.suffixes)
        self.tags = [
            LanguageTag.parse(lang, "corpus.lang") if lang else LanguageTag.from_file_name(f)
            for f in self.files
        ]

    def sources(self) -> list[dict[str, object]]:
        return describe(self.files)

    def __iter__(self) -> Iterator[Line | Skip]:
        for path, tag in zip(self.files, self.tags, strict=True):
            yield from guarded(path, str(tag), self._lines(path, tag))

    def _lines(self, path: Path, tag: LanguageTag) -> Iterator[Line | Skip]:
        raise NotImplementedError


class TagCache:
    """Reads the tag of each row of a file, every distinct one once; a wrong one makes the row a
    skip.
    """

    def __init__(self, source: Path | str) -> None:
        self.source, self.tags = str(source), dict[object, LanguageTag | DataError]()

    def line(self, number: int, id_: str, lang: object, text: str) -> Line | Skip:
        if isinstance(lang, LanguageTag):
            return Line(self.source, number, id_, lang, text)
        if lang not in self.tags:
            try:
                self.tags[lang] = LanguageTag.parse(lang, self.source)
            except DataError as error:
                self.tags[lang] = error
        tag = self.tags[lang]
        if isinstance(tag, DataError):
            return Skip(self.source, number, str(lang), "wrong_language_tag", tag.problem)
        return Line(self.source, number, id_, tag, text)
