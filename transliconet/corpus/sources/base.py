"""What a source of text is: an iterator that yields each of its lines once, as a line or as a skip
with a reason.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from transliconet.corpus.sources.files import UNREADABLE
from transliconet.errors import DataError
from transliconet.language_tag import LanguageNames, LanguageTag

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """One text of one language.

    Args:
        source: file, dataset or package that it comes from.
        number: its number in there, from 1.
        id: unique in its language. The same id in two languages says that the two lines mean the
            same: give it only where the source says so.
        lang: its language and script.
        text: the text itself.
        romanized: only where the source brings a transliteration of its own.
    """

    source: str
    number: int
    id: str
    lang: LanguageTag
    text: str
    romanized: str | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """A line that cannot be used.

    Args:
        source, number: see :class:`Line`.
        lang: tag of the line, or what stands in its place.
        reason: a stable name, counted in the manifest, such as ``missing_field``.
        detail: what distinguishes this line.
    """

    source: str
    number: int
    lang: str
    reason: str
    detail: str = ""


class Reader(Protocol):
    """A source of lines: one file in ``corpus/sources/``, or a class of your own.

    A reader of your own is a class with these two methods, in any module that Python finds. Here is
    a whole one, in ``my_reader.py``:

    >>> class Poems:
    ...     def __init__(self, path: str) -> None:
    ...         self.path = path
    ...
    ...     def sources(self) -> list[dict[str, object]]:
    ...         return [{"path": self.path}]
    ...
    ...     def __iter__(self) -> Iterator[Line | Skip]:
    ...         tag = LanguageTag("hin", "Deva")
    ...         for number, text in enumerate(open(self.path, encoding="utf-8"), 1):
    ...             yield Line(self.path, number, f"poem:{number}", tag, text)

    The command line takes it with ``corpus=custom corpus._target_=my_reader.Poems
    +corpus.path=poems.txt``; other keys of ``corpus`` are arguments of the class. Python takes
    ``prepare(Poems("poems.txt"), romanizer, out)``.

    It is read once, in order. What cannot be used is a :class:`Skip`, not an exception: every line
    is in the pairs folder or counted by reason.
    """

    def __iter__(self) -> Iterator[Line | Skip]: ...

    def sources(self) -> list[dict[str, object]]:
        """Describe the source, for the manifest. Pairs of other sources are other pairs.

        Returns:
            One entry for each file or package, with its SHA-256 or version.
        """
        ...


def guarded(path: Path, lang: str, lines: Iterable[Line | Skip]) -> Iterator[Line | Skip]:
    """Lines of a file, up to where it can no longer be read.

    Args:
        path: the file.
        lang: its language, for the skip.
        lines: an iterator that reads the file.

    Returns:
        An iterator over ``lines``; after an error of reading, one skip (``unreadable_rest``) stands
        for all lines that are left.
    """
    number = 0
    try:
        for line in lines:
            number = line.number
            yield line
    except UNREADABLE as error:
        problem = f"{type(error).__name__}: {error}"[:200]
        log.warning("%s: the rest after line %d cannot be read (%s)", path, number, problem)
        yield Skip(str(path), number + 1, lang, "unreadable_rest", detail=problem)


def has_surrogate(text: str) -> bool:
    """Whether ``text`` holds a lone surrogate, which is no character.

    It came with the text, or stands for a byte that is not UTF-8.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


class TagCache:
    """Reads the language of each row of a source, and remembers what each name means.

    Args:
        source: file or dataset of the rows.
        names: how it names languages.
    """

    def __init__(self, source: Path | str, names: LanguageNames | None = None) -> None:
        self.source = str(source)
        self.names = names or LanguageNames()
        self._tags: dict[str, LanguageTag | str] = {}

    def line(self, number: int, id_: str, lang: object, text: str) -> Line | Skip:
        """Make the line of a row.

        Args:
            number: of the row in the source, from 1.
            id_: of the row.
            lang: its language as the source gives it.
            text: its text.

        Returns:
            The line, or a skip (``wrong_language_tag``).
        """
        tag = self.tag_of(lang)
        if isinstance(tag, LanguageTag):
            return Line(self.source, number, id_, tag, text=text)
        known = lang if isinstance(lang, str) else "unknown"
        return Skip(self.source, number, known, "wrong_language_tag", detail=tag)

    def tag_of(self, lang: object) -> LanguageTag | str:
        """Read a row's language.

        Args:
            lang: as the source gives it.

        Returns:
            The tag, or a sentence about what is wrong.
        """
        if isinstance(lang, LanguageTag):
            return lang
        if not isinstance(lang, str):
            return f"the language is {describe_type(lang)}"
        if lang not in self._tags:
            self._tags[lang] = self._read(lang)
        return self._tags[lang]

    def _read(self, lang: str) -> LanguageTag | str:
        try:
            return self.names.tag(lang)
        except DataError as error:
            log.warning("%s: rows of %r are dropped: %s", self.source, lang, error)
            return f"{error.problem}; {error.remedy}"


def describe_type(value: object) -> str:
    """The type of ``value``, for a message: ``a list``, ``missing``."""
    if value is None:
        return "missing"
    name = type(value).__name__
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def id_text(value: object) -> str | None:
    """Turn an id into text.

    Whole numbers are the same id however they are written: 1, and 1.0 as in a table with a missing
    value, are ``1``.

    Args:
        value: as the source gives it.

    Returns:
        The text; None where the value cannot be an id.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    is_number = isinstance(value, int) or (isinstance(value, float) and value == value)
    return str(value) if is_number else None


MISSING = object()


def field_of(row: Mapping[str, object], name: str) -> object:
    """Look up a field of a row.

    Args:
        row: fields by name.
        name: of the field; ``translation.hi`` is the field ``hi`` inside the field ``translation``.

    Returns:
        Its value; :data:`MISSING` where there is none.
    """
    if name in row:
        return row[name]
    value: object = row
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return MISSING
        value = value[part]
    return value
