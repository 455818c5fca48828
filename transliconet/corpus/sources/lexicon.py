"""Lexicons: words and names of concepts, in many languages."""

import unicodedata
from collections.abc import Callable, Iterator

from transliconet.corpus.sources.base import Line, Skip
from transliconet.corpus.sources.delimited import DelimitedFiles

HOMOGRAPH = "homograph"
"""The reason for which a word of several concepts is skipped."""


class LexiconFiles(DelimitedFiles):
    """Rows of a concept, a language and a word. Words of one concept share its id.

    A word that its language has for several concepts is no word of any: all its rows are skipped
    (``homograph``). Of several words that a language has for one concept, ``prepare`` takes the
    first. The arguments are those of :class:`DelimitedFiles`; the files are read twice.
    """

    def __iter__(self) -> Iterator[Line | Skip]:
        return without_homographs(super().__iter__)


def without_homographs(
    lines: Callable[[], Iterator[Line | Skip]],
) -> Iterator[Line | Skip]:
    """Skip the words that their language has for several concepts, all rows of them.

    Args:
        lines: reads the lexicon from its beginning; it is called twice.
    """
    concepts: dict[tuple[str, str], str] = {}
    homographs: set[tuple[str, str]] = set()
    for line in lines():
        if isinstance(line, Line) and concepts.setdefault(_word(line), line.id) != line.id:
            homographs.add(_word(line))
    for line in lines():
        if isinstance(line, Line) and _word(line) in homographs:
            yield Skip(line.source, line.number, str(line.lang), HOMOGRAPH, detail=line.id)
        else:
            yield line


def _word(line: Line) -> tuple[str, str]:
    """A word as it is compared with others: its language and its text."""
    return str(line.lang), unicodedata.normalize("NFC", line.text.strip())
