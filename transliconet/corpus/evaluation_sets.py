"""Evaluation sets whose texts must not be trained on, and what makes two texts the same."""

import logging
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from transliconet.corpus.sources.base import Line, Reader, Skip
from transliconet.corpus.sources.delimited import DelimitedFiles
from transliconet.corpus.sources.files import find_files, has_suffix
from transliconet.corpus.sources.jsonl import JsonLines
from transliconet.corpus.sources.parquet import ParquetFiles
from transliconet.corpus.sources.text import TextFiles
from transliconet.errors import ConfigError, DataError, Option

log = logging.getLogger(__name__)

TABLES = tuple(suffix for suffix in DelimitedFiles.suffixes if suffix not in TextFiles.suffixes)
"""Endings of delimited text: ``.csv`` and the like. A ``.txt`` file is plain text."""
SUFFIXES = (*TextFiles.suffixes, *TABLES, *JsonLines.suffixes, *ParquetFiles.suffixes)
WITHOUT_FIELD = {"TLN-DATA-101", "TLN-DATA-115", "TLN-DATA-118"}
"""Errors of readers about a column that is not there or holds no text."""
ANY_LANGUAGE = "und_Zyyy"
"""Tag of evaluation sets: a text is excluded whatever its language."""

TATWEEL = "\u0640"
"""Stretches an Arabic word; it is spacing."""
VARIATION_SELECTORS = {*map(chr, range(0xFE00, 0xFE10)), *map(chr, range(0xE0100, 0xE01F0))}
WIDTHS_AND_FORMS = (
    "<wide>",
    "<narrow>",
    "<initial>",
    "<medial>",
    "<final>",
    "<isolated>",
    "<noBreak>",
    "<compat>",
)
"""Compatibility decompositions of characters that differ in look only, not in meaning.
Superscripts, fractions and circled characters differ in meaning: 10² is not 102.
"""


class _ComparedCharacters(dict[int, str]):
    """A table for ``str.translate`` that looks each character up when it first occurs."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        # P: punctuation; Z: separators; Cc, Cf: controls and joiners; Sk: spacing accents, such
        # as a backtick for an apostrophe.
        ignored = category[0] in "PZ" or category in ("Cc", "Cf", "Sk")
        if ignored or character == TATWEEL or character in VARIATION_SELECTORS:
            character = ""
        elif unicodedata.decomposition(character).startswith(WIDTHS_AND_FORMS):
            normal = unicodedata.normalize("NFKC", character)
            character = normal.translate(self) if normal != character else character
        self[code] = character
        return character


_COMPARED = _ComparedCharacters()


def comparable(text: str) -> str:
    """Remove what does not tell two texts apart: case, spacing and punctuation.

    Combining marks are letters: vowel signs, tones and viramas stay.

    Args:
        text: any text.

    Returns:
        A string that is equal for texts that count as the same.

    >>> comparable("«Как дела?»") == comparable("как  дела")
    True
    >>> comparable("मत") == comparable("मात")
    False
    """
    kept = unicodedata.normalize("NFC", text).translate(_COMPARED)
    return unicodedata.normalize("NFC", kept.casefold())


def evaluation_texts(paths: Sequence[str], text_field: str | int = "text") -> frozenset[str]:
    """The texts of evaluation sets, as :func:`comparable` gives them.

    Args:
        paths: files, folders or patterns, of the endings :data:`SUFFIXES`, compressed or not.
        text_field: the field of JSON lines or the column of a table that holds the text; for
            delimited text without a header, the number of the column, from 1.

    Returns:
        The different texts, in whatever language.

    Raises:
        ConfigError: a file with another ending.
        DataError: nothing is there, a table has no such column, or a file holds no text that can
            be read.
    """
    texts: set[str] = set()
    if not paths:
        return frozenset()
    for path in find_files(paths, SUFFIXES, "exclude"):
        found = _texts_of(path, text_field)
        texts.update(found)
    log.info("%d different texts are excluded", len(texts))
    return frozenset(texts)


def _texts_of(path: Path, text_field: str | int) -> set[str]:
    texts: set[str] = set()
    skipped: Counter[str] = Counter()
    for line in _reader(path, text_field):
        if isinstance(line, Line):
            texts.add(comparable(line.text))
        elif line.reason != "empty":
            skipped[_why(line)] += 1
    texts.discard("")
    if not texts:
        reasons = ", ".join(f"{n} × {why}" for why, n in skipped.most_common(3))
        raise DataError(
            Option("exclude", path),
            f"no text can be read from it ({reasons or 'it is empty'})",
            f"Nothing would be excluded. Give text in UTF-8, or the field that holds it with "
            f"exclude_field (now {text_field})",
            code="TLN-DATA-117",
        )
    if skipped:
        log.warning("%s: lines that cannot be read are not excluded: %s", path, dict(skipped))
    return texts


def _why(skip: Skip) -> str:
    return f"{skip.reason} ({skip.detail})" if skip.reason == "missing_field" else skip.reason


def _reader(path: Path, text_field: str | int) -> Reader:
    try:
        return _reader_of_kind(path, text_field)
    except DataError as error:
        if error.code not in WITHOUT_FIELD:
            raise
        raise DataError(
            Option("exclude", path),
            error.problem,
            f"Name the column that holds the text with exclude_field (now {text_field})",
            code="TLN-DATA-120",
        ) from error


def _reader_of_kind(path: Path, text_field: str | int) -> Reader:
    if has_suffix(path, TextFiles.suffixes):
        return TextFiles(str(path), lang=ANY_LANGUAGE)
    if has_suffix(path, TABLES):
        return DelimitedFiles(str(path), lang=ANY_LANGUAGE, text_column=text_field)
    field = str(text_field)
    if has_suffix(path, JsonLines.suffixes):
        return JsonLines(str(path), lang=ANY_LANGUAGE, text_field=field)
    if has_suffix(path, ParquetFiles.suffixes):
        return ParquetFiles(str(path), lang=ANY_LANGUAGE, text_column=field, id_column=None)
    raise ConfigError(
        Option("exclude", path),
        "a kind of file that is not read",
        f"Give {', '.join(SUFFIXES)}",
        code="TLN-CONFIG-100",
    )
