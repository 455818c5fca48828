"""Sentences with a label for each word: CoNLL-U, CoNLL-2003, IOB2, and tables of lists."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from transliconet.corpus.sources.base import Skip
from transliconet.corpus.sources.conll import (
    COLUMN_FILES,
    ConllSentence,
    WordColumns,
    conll_sentences,
)
from transliconet.corpus.sources.files import describe, find_files, has_suffix, relative_names
from transliconet.corpus.sources.lines import numbered_lines, require_text
from transliconet.downstream.labelled import ACCURACY, ENTITY_F1, LabelledSplits, TaggedSentence
from transliconet.downstream.split_files import (
    SplitPaths,
    paths_by_split,
    split_of,
    split_of_file,
)
from transliconet.errors import ConfigError, DataError, Option, require_choice
from transliconet.language_tag import LanguageNames, LanguageTag

PARQUET, JSON_LINES = (".parquet",), (".jsonl", ".ndjson")
KINDS = {"words": ACCURACY, "entities": ENTITY_F1}
"""What the labels are of → what a head is selected by."""


@dataclass(frozen=True)
class TagColumns:
    """What is where in tables and in files with a word a line.

    Args:
        words, tags: columns of tables: a list of words, and one of labels or their numbers.
        lang: column of tables: tag of the row; None, and in files with a word a line: the file's or
            its folder's name says it.
        id: column of tables: of the sentence, the same in every language; None: sentences of
            different languages are taken for different ones.
        split: column of tables: ``train``, ``dev`` (or ``validation``) or ``test``; where a table
            has none, and in files with a word a line, the file's name says it.
        word_number, tag_number: columns of files with a word a line, from 1; -1 is the last one.
            None: see :func:`transliconet.corpus.sources.conll.usual_columns`.
    """

    words: str = "tokens"
    tags: str = "tags"
    lang: str | None = "lang"
    id: str | None = None
    split: str = "split"
    word_number: int | None = None
    tag_number: int | None = None


class _Row(NamedTuple):
    """A sentence as a file has it."""

    place: str
    id: object
    lang: object
    split: object
    words: object
    tags: object


@dataclass(frozen=True)
class TaggedSentences:
    """Sequence labelling data: CoNLL-U, files with a word a line, or tables of lists.

    Args:
        paths: files, folders or patterns that hold every split, told apart by a column or by the
            files' names; or split → its files: ``{"train": "en.conllu", "test": "test/*"}``.
        columns: what is where.
        kind: ``words`` (parts of speech and the like) or ``entities`` (labels such as B-PER, I-PER
            and O); entities select the head by their F1, words by accuracy.
        tags: what the source's names of languages mean, see
            :class:`transliconet.language_tag.LanguageNames`.
        labels: names of numbered labels, in their order; None: the labels are what the data says.
        folder: where relative ``paths`` start; None: the working folder.

    Raises:
        ConfigError: an unknown ``kind``.
    """

    paths: SplitPaths
    columns: TagColumns = field(default_factory=TagColumns)
    kind: str = "words"
    tags: Mapping[str, str] | str | None = None
    labels: Sequence[str] | None = None
    folder: str | Path | None = None

    def __post_init__(self) -> None:
        require_choice("kind", self.kind, KINDS)

    def read(self) -> LabelledSplits[TaggedSentence]:
        """Read all splits.

        Raises:
            ConfigError: ``paths`` names an unknown split.
            DataError: a file or column is missing, or a file has no language.
        """
        found: LabelledSplits[TaggedSentence] = LabelledSplits.empty(KINDS[self.kind])
        names = LanguageNames(self.tags)
        for split, paths in paths_by_split(self.paths, self.folder, self.tags):
            files = find_files(paths, (*PARQUET, *JSON_LINES, *COLUMN_FILES))
            found.sources += describe(files)
            for file, label in relative_names(files).items():
                for row in self._rows(file, names):
                    if isinstance(row, Skip):
                        found.leave_out(row.lang, row.reason)
                    else:
                        self._add(
                            row, split or split_of_file(file), label, names=names, found=found
                        )
        return found

    def _rows(self, file: Path, names: LanguageNames) -> Iterator[_Row | Skip]:
        if has_suffix(file, PARQUET):
            return self._table_rows(_parquet_rows(file), file, names)
        require_text([file])
        if has_suffix(file, JSON_LINES):
            return self._table_rows(_json_rows(file), file, names)
        return self._conll_rows(file, names)

    def _table_rows(
        self, rows: Iterator[dict[str, Any] | None], file: Path, names: LanguageNames
    ) -> Iterator[_Row | Skip]:
        columns = self.columns
        for number, row in enumerate(rows, start=1):
            if row is None:
                yield Skip(str(file), number, "unknown", "invalid_json")
                continue
            if missing := {columns.words, columns.tags} - row.keys():
                raise DataError(
                    file,
                    f"no column {' and '.join(sorted(missing))}; it has {sorted(row)}",
                    "Name them with columns.words and columns.tags",
                    code="TLN-DATA-651",
                )
            yield _Row(
                place=str(number),
                id=row.get(columns.id or ""),
                lang=row.get(columns.lang) if columns.lang else tag_of_file(file, names),
                split=row.get(columns.split),
                words=row[columns.words],
                tags=row[columns.tags],
            )

    def _conll_rows(self, file: Path, names: LanguageNames) -> Iterator[_Row | Skip]:
        tag = tag_of_file(file, names)
        word, label = self.columns.word_number, self.columns.tag_number
        if (word is None) != (label is None):
            raise ConfigError(
                Option("columns.word_number", word),
                f"the column of words without that of labels, {label}",
                "Give both columns.word_number and columns.tag_number, or neither",
                code="TLN-CONFIG-654",
            )
        columns: WordColumns | None = None
        if word is not None and label is not None:
            columns = WordColumns(word, label)
        for sentence in conll_sentences(file, str(tag), columns):
            if isinstance(sentence, ConllSentence):
                place, words, tags = str(sentence.number), sentence.words, sentence.tags
                yield _Row(place, "", lang=tag, split=None, words=words, tags=tags)
            else:
                yield sentence

    def _add(
        self,
        row: _Row,
        split: str,
        label: str,
        names: LanguageNames,
        found: LabelledSplits[TaggedSentence],
    ) -> None:
        """Add a sentence to its split, or count why it cannot be used."""
        try:
            lang = row.lang if isinstance(row.lang, LanguageTag) else names.tag(row.lang)
        except DataError:
            found.leave_out(str(row.lang), "wrong_language_tag")
            return
        if isinstance(row.split, str):  # what a row says comes before the file's name
            split = split_of(row.split)
        words, tags = _texts(row.words), self._labels(row.tags)
        reason = _problem(split, words, tags)
        if self.columns.id and not isinstance(row.id, str | int):
            reason = reason or "missing_field"
        if reason:
            found.leave_out(str(lang), reason)
            return
        id_ = str(row.id) if self.columns.id else f"{label}:{row.place}"
        found.texts[split].append(TaggedSentence(id_, lang, words, tags))

    def _labels(self, tags: object) -> list[str]:
        """The labels of a sentence, numbers replaced by their names."""
        labels = []
        for tag in _texts(tags):
            if self.labels is not None and tag.isdecimal():
                number = int(tag)
                tag = self.labels[number] if number < len(self.labels) else ""
            labels.append(tag.strip())
        return labels


def tag_of_file(path: Path, names: LanguageNames) -> LanguageTag:
    """The language of a file: by its name or its folder's, as everywhere; otherwise by what comes
    first in its name, as in Universal Dependencies (``hi_hdtb-ud-test.conllu``).

    Raises:
        DataError: none of them is a tag or mapped.
    """
    try:
        return names.tag_of_file(path)
    except DataError as error:
        first = path.name.split("_")[0].split("-")[0]
        try:
            return names.tag(first)
        except DataError:
            raise error from None


def _texts(values: object) -> list[str]:
    """A list of words or labels; empty where it is no list."""
    return [str(value) for value in values] if isinstance(values, list) else []


def _problem(split: str, words: Sequence[str], tags: Sequence[str]) -> str:
    """Why a sentence cannot be used; empty if it can."""
    if not split:
        return "unknown_split"
    if not words:
        return "empty"
    if len(words) != len(tags):
        return "tags_do_not_match"
    return "" if all(tags) else "unknown_label"


def _parquet_rows(file: Path) -> Iterator[dict[str, Any] | None]:
    try:
        yield from pq.read_table(file).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            file,
            f"not a Parquet file ({str(error)[:80]})",
            "Give Parquet, JSON lines, CoNLL-U or a file with a word a line",
            code="TLN-DATA-652",
        ) from error


def _json_rows(file: Path) -> Iterator[dict[str, Any] | None]:
    """Each line's object; None where it is none."""
    for _, raw in numbered_lines(file):
        try:
            row = json.loads(raw or b"")
        except (ValueError, RecursionError):
            row = None
        yield row if isinstance(row, dict) else None
