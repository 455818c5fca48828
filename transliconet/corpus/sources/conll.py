"""Sentences with a word a line and columns of labels: CoNLL-U, CoNLL-2003, IOB2."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from transliconet.corpus.sources.base import Skip
from transliconet.corpus.sources.files import has_suffix
from transliconet.corpus.sources.lines import text_lines

CONLLU = (".conllu",)
COLUMN_FILES = (".conllu", ".conll", ".iob", ".iob2", ".bio", ".txt", ".tsv")
"""Suffixes of such files."""
FORM, UPOS = 2, 4
"""Columns of CoNLL-U, from 1."""
DOCUMENT = "-DOCSTART-"
"""The word of a line of CoNLL-2003 that begins a document, and is no word."""
_RANGE = re.compile(r"(\d+)-(\d+)")
_NUMBER = re.compile(r"\d+")
_ID = re.compile(r"#\s*sent_id\s*=\s*(.+)")
_COMMENT = re.compile(r"#\s*(?:\w+\s*=|id\s)")
"""A comment of a file that is not CoNLL-U; a line with the word ``#`` is none."""
PRECEDENCE = (
    *("VERB", "NOUN", "PROPN", "PRON", "ADJ", "NUM", "ADV", "INTJ", "AUX", "ADP", "DET", "PART"),
    *("CCONJ", "SCONJ", "SYM", "X", "PUNCT"),
)
"""Of the words that are written as one, the first of these parts of speech is the whole's."""


@dataclass(frozen=True)
class WordColumns:
    """Which columns hold the word and its label.

    Args:
        word, tag: numbers from 1; -1 is the last column.
    """

    word: int = 1
    tag: int = -1


@dataclass(frozen=True)
class ConllSentence:
    """A sentence of a file.

    Args:
        number: of its first line, from 1.
        id: as a comment names it (``# sent_id = …``); empty if there is none.
        words: W words.
        tags: W labels; empty where a line has no such column.
    """

    number: int
    id: str
    words: list[str]
    tags: list[str]


def usual_columns(path: Path, first: Sequence[str]) -> WordColumns:
    """The columns of a file whose user names none: those of CoNLL-U; the second and third where the
    first counts the words, as in Universal NER; otherwise the first and the last.

    Args:
        path: of the file.
        first: fields of its first word.
    """
    if has_suffix(path, CONLLU):
        return WordColumns(FORM, UPOS)
    if len(first) > 2 and _NUMBER.fullmatch(first[0]):
        return WordColumns(2, 3)
    return WordColumns()


def conll_sentences(
    path: Path, lang: str, columns: WordColumns | None = None
) -> Iterator[ConllSentence | Skip]:
    """Read the sentences of a file. An empty line ends a sentence.

    In CoNLL-U, words that are written as one are one word, whose label is the first of
    :data:`PRECEDENCE` among theirs, as in XTREME's data (Hu et al., 2020). Its empty nodes are not
    words.

    Args:
        path: of the file.
        lang: its language, for skips.
        columns: of word and label; None: :func:`usual_columns`.

    Returns:
        The sentences, and a skip for each line that cannot be read.
    """
    rows: list[list[str]] = []
    start, id_, whole = 1, "", True
    for number, line in text_lines(path, lang):
        if isinstance(line, Skip):
            yield line
            whole = False  # a sentence without one of its words is none
            continue
        fields = _fields(line)
        if not rows and _is_comment(path, line):
            if found := _ID.match(line):
                id_ = found[1].strip()
        elif fields and fields[0] != DOCUMENT:
            if not rows:
                start = number
            rows.append(fields)
        elif not fields:
            if rows and whole:
                yield _sentence(path, start, id_, rows=rows, columns=columns)
            rows, id_, whole = [], "", True
    if rows and whole:
        yield _sentence(path, start, id_, rows=rows, columns=columns)


def _is_comment(path: Path, line: str) -> bool:
    return line.startswith("#") if has_suffix(path, CONLLU) else bool(_COMMENT.match(line))


def _fields(line: str) -> list[str]:
    """The fields of a line: between tabs if it has any, since words may have spaces in them."""
    if not line.strip():
        return []
    return line.rstrip("\r\n").split("\t") if "\t" in line else line.split()


def _sentence(
    path: Path, start: int, id_: str, rows: list[list[str]], columns: WordColumns | None
) -> ConllSentence:
    columns = columns or usual_columns(path, rows[0])
    if has_suffix(path, CONLLU):
        rows = _surface_words(rows, columns)
    words, tags = [], []
    for row in rows:
        words.append(_field(row, columns.word))
        tags.append(_field(row, columns.tag))
    return ConllSentence(start, id_, words, tags)


def _field(row: Sequence[str], number: int) -> str:
    place = _place(number)
    return row[place].strip() if -len(row) <= place < len(row) else ""


def _place(number: int) -> int:
    """The index of a column, which counts from 1, or from the end."""
    return number - 1 if number > 0 else number


def _surface_words(rows: list[list[str]], columns: WordColumns) -> list[list[str]]:
    """The words as they are written: a line ``3-4`` stands for its words, 3 and 4."""
    surface: list[list[str]] = []
    end = 0  # number of the last word that a range has
    for row in rows:
        if span := _RANGE.fullmatch(row[0]):
            end = int(span[2])
            surface.append(list(row))
            surface[-1][_place(columns.tag)] = ""
        elif not _NUMBER.fullmatch(row[0]):
            continue  # an empty node, such as 8.1
        elif int(row[0]) > end:
            surface.append(row)
        else:
            _take_tag(surface[-1], _field(row, columns.tag), columns)
    return surface


def _take_tag(row: list[str], tag: str, columns: WordColumns) -> None:
    """Give a word that stands for several the label of one of them, if it comes first."""
    place = _place(columns.tag)
    known = row[place]
    if not known or _precedence(tag) < _precedence(known):
        row[place] = tag


def _precedence(tag: str) -> int:
    return PRECEDENCE.index(tag) if tag in PRECEDENCE else len(PRECEDENCE)
