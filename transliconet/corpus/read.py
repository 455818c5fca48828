"""Readers: each yields every line of its source once, as a :class:`Line` or as a :class:`Skip` with a reason."""

import csv
import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from transliconet.corpus.scripts import LanguageTag
from transliconet.errors import DataError


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


def existing_files(paths: str | Path | Sequence[str | Path] | None, option: str = "corpus.paths") -> list[Path]:
    """The files named by ``paths``.

    Raises:
        DataError: nothing is named, or a file is not there.
    """
    named = [paths] if isinstance(paths, str | Path) else list(paths or [])
    if not named:
        raise DataError(f"{option}={paths}", "no file named", f"Give one or more files, e.g. {option}=[hin_Deva.txt]")
    files = [Path(p).expanduser() for p in named]
    for file in files:
        if not file.is_file():
            raise DataError(f"{option}={file}", "no such file", "Check the path; it is relative to the working folder")
    return files


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def _describe(files: Sequence[Path]) -> list[dict[str, object]]:
    return [{"path": str(f), "sha256": sha256(f), "bytes": f.stat().st_size} for f in files]


def _broken_encoding(text: str) -> bool:
    """Whether ``surrogateescape`` had to stand in for a byte, or a lone surrogate came with the text."""
    return any("\ud800" <= c <= "\udfff" for c in text)


class TextFiles:
    """Plain text, UTF-8, one sentence a line.

    Args:
        paths: one file or several.
        lang: tag of every file; None takes each file's from its name (``hin_Deva.txt``).

    The id of a line is ``<file name>:<line number>``: lines of different files are not taken for translations of each
    other. Only ``\\n`` and ``\\r\\n`` end a line.
    """

    def __init__(self, paths: str | Sequence[str], lang: str | None = None) -> None:
        self.files = existing_files(paths)
        self.tags = [
            LanguageTag.parse(lang, "corpus.lang") if lang else LanguageTag.from_file_name(f) for f in self.files
        ]

    def sources(self) -> list[dict[str, object]]:
        return _describe(self.files)

    def __iter__(self) -> Iterator[Line | Skip]:
        for path, tag in zip(self.files, self.tags, strict=True):
            with path.open("rb") as f:
                for number, raw in enumerate(f, 1):
                    if number == 1:
                        raw = raw.removeprefix(b"\xef\xbb\xbf")
                    try:
                        text = raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
                    except UnicodeDecodeError as error:
                        yield Skip(str(path), number, str(tag), "invalid_utf8", f"byte {error.start}: {error.reason}")
                        continue
                    yield Line(str(path), number, f"{path.name}:{number}", tag, text)


class CsvFiles:
    """CSV as TransliCo's code writes it: a header with ``text`` and ``transliteration``.

    Args:
        paths: one file or several.
        lang: tag of every row; None takes it from the file name.
        text_column, transliteration_column: names in the header.
        use_transliteration: take the file's own romanisation instead of romanising again.

    Raises:
        DataError: a column is missing.
    """

    def __init__(
        self,
        paths: str | Sequence[str],
        lang: str | None = None,
        text_column: str = "text",
        transliteration_column: str = "transliteration",
        use_transliteration: bool = True,
    ) -> None:
        self.files = existing_files(paths)
        self.tags = [
            LanguageTag.parse(lang, "corpus.lang") if lang else LanguageTag.from_file_name(f) for f in self.files
        ]
        self.text_column = text_column
        self.transliteration_column = transliteration_column if use_transliteration else None
        for path in self.files:
            self._check_header(path)

    def _open(self, path: Path):  # type: ignore[no-untyped-def]
        return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")

    def _check_header(self, path: Path) -> None:
        with self._open(path) as f:
            header = next(csv.reader(f), [])
        for column in filter(None, (self.text_column, self.transliteration_column)):
            if column not in header:
                raise DataError(
                    path,
                    f"no column {column!r}; the header has {', '.join(map(repr, header)) or 'nothing'}",
                    "Set corpus.text_column, corpus.transliteration_column or corpus.use_transliteration=false",
                )

    def sources(self) -> list[dict[str, object]]:
        return _describe(self.files)

    def __iter__(self) -> Iterator[Line | Skip]:
        csv.field_size_limit(sys.maxsize)  # a long line is for the length rule to count, not for csv to refuse
        for path, tag in zip(self.files, self.tags, strict=True):
            with self._open(path) as f:
                rows = csv.DictReader(f)
                for row in rows:
                    text = row[self.text_column]
                    romanized = row[self.transliteration_column] if self.transliteration_column else None
                    number = rows.line_num
                    if text is None or (self.transliteration_column and romanized is None):
                        yield Skip(str(path), number, str(tag), "missing_field")
                    elif _broken_encoding(text + (romanized or "")):
                        yield Skip(str(path), number, str(tag), "invalid_utf8")
                    else:
                        yield Line(str(path), number, f"{path.name}:{number}", tag, text, romanized)


class ParquetFiles:
    """Long Parquet: columns ``id``, ``lang`` (a tag), ``text``; the same id is the same meaning in every language.

    Args:
        paths: one file or several.
        languages: tags to read; None reads all. Rows of other languages are not counted as dropped.

    Raises:
        DataError: a file is not Parquet, lacks a column, or a wanted language is in none of them.
    """

    COLUMNS = ("id", "lang", "text")

    def __init__(self, paths: str | Sequence[str], languages: Sequence[str] | None = None) -> None:
        self.files = existing_files(paths)
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
            present.update(pq.read_table(path, columns=["lang"])["lang"].unique().to_pylist())
        if absent := [t for t in self.languages if t not in present]:
            raise DataError(
                f"corpus.languages={absent}",
                "in none of the files",
                f"The files have: {', '.join(sorted(map(str, present)))}",
            )

    def sources(self) -> list[dict[str, object]]:
        return _describe(self.files)

    def __iter__(self) -> Iterator[Line | Skip]:
        for path in self.files:
            number = 0
            tags: dict[str, LanguageTag | DataError] = {}
            for batch in pq.ParquetFile(path).iter_batches(columns=list(self.COLUMNS), batch_size=8192):
                for id_, lang, text in zip(*(batch.column(c).to_pylist() for c in self.COLUMNS), strict=True):
                    number += 1
                    if self.languages and lang not in self.languages:
                        continue
                    if lang not in tags:
                        tags[lang] = _parse_or_error(lang, path)
                    tag = tags[lang]
                    if isinstance(tag, DataError):
                        yield Skip(str(path), number, str(lang), "wrong_language_tag", tag.problem)
                    elif text is None or id_ is None:
                        yield Skip(str(path), number, str(tag), "missing_field")
                    else:
                        yield Line(str(path), number, str(id_), tag, str(text))


def _parse_or_error(lang: object, path: Path) -> "LanguageTag | DataError":
    try:
        return LanguageTag.parse(lang, str(path))
    except DataError as error:
        return error
