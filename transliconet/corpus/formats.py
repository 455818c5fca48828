"""Readers of files: plain text, CSV, JSON lines, Parquet."""

import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from transliconet.corpus.files import describe, find_files, numbered_lines, open_bytes
from transliconet.corpus.read import Line, Skip, guarded
from transliconet.corpus.scripts import LanguageTag
from transliconet.errors import DataError

LISTED = 20
"""A message names at most so many languages, those spelled most like the wanted one."""


def has_surrogate(text: str) -> bool:
    """Whether ``surrogateescape`` had to stand in for a byte, or a lone surrogate came with the text."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


class TaggedFiles:
    """Files of one language each: the tag of every file is ``lang``, or that of its name (``hin_Deva.txt``)."""

    suffixes: tuple[str, ...]

    def __init__(self, paths: str | Sequence[str], lang: str | None = None) -> None:
        self.files = find_files(paths, self.suffixes)
        self.tags = [
            LanguageTag.parse(lang, "corpus.lang") if lang else LanguageTag.from_file_name(f) for f in self.files
        ]

    def sources(self) -> list[dict[str, object]]:
        return describe(self.files)

    def __iter__(self) -> Iterator[Line | Skip]:
        for path, tag in zip(self.files, self.tags, strict=True):
            yield from guarded(path, str(tag), self._lines(path, tag))

    def _lines(self, path: Path, tag: LanguageTag) -> Iterator[Line | Skip]:
        raise NotImplementedError


class TextFiles(TaggedFiles):
    """Plain text, UTF-8, one sentence a line.

    Args:
        paths: files, folders or patterns; ``.gz``, ``.bz2``, ``.xz`` and ``.zst`` are decompressed.
        lang: tag of every file; None takes each file's from its name.
        parallel: line n is the same meaning in every file, so its id is ``n``. Otherwise the id is
            ``<file name>:<line number>``: lines of different files are not taken for translations of each other.

    Only ``\\n`` and ``\\r\\n`` end a line.
    """

    suffixes = (".txt",)

    def __init__(self, paths: str | Sequence[str], lang: str | None = None, parallel: bool = False) -> None:
        super().__init__(paths, lang)
        self.parallel = parallel

    def _lines(self, path: Path, tag: LanguageTag) -> Iterator[Line | Skip]:
        for number, raw in numbered_lines(path):
            try:
                text = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                detail = f"byte {error.start}: {error.reason}"
                yield Skip(str(path), number, str(tag), "invalid_utf8", detail)
                continue
            yield Line(str(path), number, str(number) if self.parallel else f"{path.name}:{number}", tag, text)


class CsvFiles(TaggedFiles):
    """CSV as TransliCo's code writes it: a header with ``text`` and ``transliteration``.

    Args:
        paths, lang: see :class:`TextFiles`.
        text_column, transliteration_column: names in the header.
        use_transliteration: take the file's own romanisation instead of romanising again.

    Raises:
        DataError: a column is missing.
    """

    suffixes = (".csv",)

    def __init__(
        self,
        paths: str | Sequence[str],
        lang: str | None = None,
        text_column: str = "text",
        transliteration_column: str = "transliteration",
        use_transliteration: bool = True,
    ) -> None:
        super().__init__(paths, lang)
        self.text_column = text_column
        self.transliteration_column = transliteration_column if use_transliteration else None
        csv.field_size_limit(sys.maxsize)  # a long line is for the length rule to count, not for csv to refuse
        for path in self.files:
            for header in guarded_header(path):
                self._check_header(path, header)

    def _check_header(self, path: Path, header: list[str]) -> None:
        for column in filter(None, (self.text_column, self.transliteration_column)):
            if column not in header:
                raise DataError(
                    path,
                    f"no column {column!r}; the header has {', '.join(map(repr, header)) or 'nothing'}",
                    "Set corpus.text_column, corpus.transliteration_column or corpus.use_transliteration=false",
                )

    def _lines(self, path: Path, tag: LanguageTag) -> Iterator[Line | Skip]:
        with _csv_text(path) as f:
            rows = csv.DictReader(f)
            for row in rows:
                text = row[self.text_column]
                romanized = row[self.transliteration_column] if self.transliteration_column else None
                number = rows.line_num
                if text is None or (self.transliteration_column and romanized is None):
                    yield Skip(str(path), number, str(tag), "missing_field")
                elif has_surrogate(text + (romanized or "")):
                    yield Skip(str(path), number, str(tag), "invalid_utf8")
                else:
                    yield Line(str(path), number, f"{path.name}:{number}", tag, text, romanized)


def _csv_text(path: Path) -> io.TextIOWrapper:
    return io.TextIOWrapper(open_bytes(path), encoding="utf-8-sig", errors="surrogateescape", newline="")


def guarded_header(path: Path) -> list[list[str]]:
    """The header of a CSV file, or nothing if the file cannot be read: its rows are then counted as skipped."""
    try:
        with _csv_text(path) as f:
            return [next(csv.reader(f), [])]
    except (OSError, EOFError):
        return []


class JsonLines:
    """One JSON object a line.

    Args:
        paths: files, folders or patterns, compressed or not.
        lang: tag of every row; None takes it from ``lang_field``, or from the file name where that is None too.
        text_field, lang_field, id_field: keys of the object. Without an id the id is ``<file name>:<line number>``.
    """

    suffixes = (".jsonl", ".ndjson")

    def __init__(
        self,
        paths: str | Sequence[str],
        lang: str | None = None,
        text_field: str = "text",
        lang_field: str | None = None,
        id_field: str | None = None,
    ) -> None:
        self.files = find_files(paths, self.suffixes)
        self.tag = LanguageTag.parse(lang, "corpus.lang") if lang else None
        self.text_field, self.lang_field, self.id_field = text_field, lang_field, id_field
        if self.tag is None and lang_field is None:
            for path in self.files:
                LanguageTag.from_file_name(path)

    def sources(self) -> list[dict[str, object]]:
        return describe(self.files)

    def __iter__(self) -> Iterator[Line | Skip]:
        for path in self.files:
            tag = self.tag if self.tag or self.lang_field else LanguageTag.from_file_name(path)
            yield from guarded(path, str(tag or "unknown"), self._lines(path, tag))

    def _lines(self, path: Path, tag: LanguageTag | None) -> Iterator[Line | Skip]:
        tags = TagCache(path)
        for number, raw in numbered_lines(path):
            known = str(tag or "unknown")
            try:
                row = json.loads(raw)
            except UnicodeDecodeError as error:
                yield Skip(str(path), number, known, "invalid_utf8", f"byte {error.start}: {error.reason}")
                continue
            except (ValueError, RecursionError) as error:
                yield Skip(str(path), number, known, "invalid_json" if raw.strip() else "empty", str(error)[:200])
                continue
            text = row.get(self.text_field) if isinstance(row, dict) else None
            if not isinstance(text, str) or (self.id_field and row.get(self.id_field) is None):
                yield Skip(str(path), number, known, "missing_field")
                continue
            id_ = str(row[self.id_field]) if self.id_field else f"{path.name}:{number}"
            yield tags.line(number, id_, tag or row.get(self.lang_field), text)


class ParquetFiles:
    """Long Parquet: columns ``id``, ``lang`` (a tag), ``text``; the same id is the same meaning in every language.

    Args:
        paths: files, folders or patterns.
        languages: tags to read; None reads all. Rows of other languages are not counted as dropped.

    Raises:
        DataError: a file is not Parquet, lacks a column, or a wanted language is in none of them.
    """

    COLUMNS = ("id", "lang", "text")

    def __init__(self, paths: str | Sequence[str], languages: Sequence[str] | None = None) -> None:
        self.files = find_files(paths, (".parquet",))
        self.languages = [str(LanguageTag.parse(t, "corpus.languages")) for t in languages] if languages else None
        for path in self.files:
            try:
                names = pq.read_schema(path).names
            except pa.ArrowInvalid as error:
                raise DataError(
                    path, f"not a Parquet file ({str(error)[:80]})", "Give a Parquet file, or corpus=text"
                ) from error
            if missing := [c for c in self.COLUMNS if c not in names]:
                raise DataError(path, f"no column {missing[0]!r}; it has {names}", "Long Parquet needs id, lang, text")
        self._check_languages()

    def _check_languages(self) -> None:
        if not self.languages:
            return
        present: set[str] = set()
        for path in self.files:
            for batch in pq.ParquetFile(path).iter_batches(columns=["lang"]):
                present.update(batch["lang"].unique().to_pylist())
        if absent := [t for t in self.languages if t not in present]:
            found = sorted(map(str, present))
            near = found if len(found) <= LISTED else get_close_matches(absent[0], found, n=LISTED, cutoff=0)
            some = "" if len(found) <= LISTED else f" {len(found)} languages, among them"
            raise DataError(
                f"corpus.languages={absent}", "in none of the files", f"The files have{some}: {', '.join(near)}"
            )

    def sources(self) -> list[dict[str, object]]:
        return describe(self.files)

    def __iter__(self) -> Iterator[Line | Skip]:
        for path in self.files:
            yield from guarded(path, "unknown", self._lines(path))

    def _lines(self, path: Path) -> Iterator[Line | Skip]:
        tags, number = TagCache(path), 0
        wanted = set(self.languages) if self.languages else None
        for batch in pq.ParquetFile(path).iter_batches(columns=list(self.COLUMNS), batch_size=8192):
            for id_, lang, text in zip(*(batch.column(c).to_pylist() for c in self.COLUMNS), strict=True):
                number += 1
                if wanted is not None and lang not in wanted:
                    continue
                if text is None or id_ is None:
                    yield Skip(str(path), number, str(lang), "missing_field")
                else:
                    yield tags.line(number, str(id_), lang, str(text))


class TagCache:
    """Reads the tag of each row of a file, every distinct one once; a wrong one makes the row a skip."""

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
