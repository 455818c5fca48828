"""What a source of text is: an iterator that yields each of its lines once, as a line or as a skip with a reason."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from transliconet.corpus.files import UNREADABLE
from transliconet.corpus.scripts import LanguageTag

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """One text of one language. ``romanized`` is set only where the source brings its own transliteration."""

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
    """``lines`` of a file; where it cannot be read on, one skip (``unreadable_rest``) stands for what is left."""
    number = 0
    try:
        for line in lines:
            number = line.number
            yield line
    except UNREADABLE as error:
        what = f"{type(error).__name__}: {error}"
        log.warning("%s cannot be read after line %d (%s); what is left of it is kept out", path, number, what)
        yield Skip(str(path), number + 1, lang, "unreadable_rest", what)
