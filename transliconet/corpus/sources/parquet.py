"""Long Parquet tables: columns id, lang and text."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from transliconet.corpus.sources.base import Line, Skip, TagCache, guarded
from transliconet.corpus.sources.files import describe, find_files
from transliconet.errors import DataError
from transliconet.language_tag import LanguageTag

LISTED = 20
"""A message names at most so many languages, those spelled most like the wanted one."""


class ParquetFiles:
    """Long Parquet: columns ``id``, ``lang`` (a tag), ``text``; the same id is the same meaning in
    every language.

    Args:
        paths: files, folders or patterns.
        languages: tags to read; None reads all. Rows of other languages are not counted as dropped.

    Raises:
        DataError: a file is not Parquet, lacks a column, or a wanted language is in none of them.
    """

    COLUMNS = ("id", "lang", "text")

    def __init__(self, paths: str | Sequence[str], languages: Sequence[str] | None = None) -> None:
        self.files = find_files(paths, (".parquet",))
        self.languages = (
            [str(LanguageTag.parse(t, "corpus.languages")) for t in languages]
            if languages
            else None
        )
        for path in self.files:
            try:
                names = pq.read_schema(path).names
            except pa.ArrowInvalid as error:
                raise DataError(
                    path,
                    f"not a Parquet file ({str(error)[:80]})",
                    "Give a Parquet file, or corpus=text",
                    code="TLN-DATA-114",
                ) from error
            if missing := [c for c in self.COLUMNS if c not in names]:
                raise DataError(
                    path,
                    f"no column {missing[0]!r}; it has {names}",
                    "Long Parquet needs id, lang, text",
                    code="TLN-DATA-115",
                )
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
            near = (
                found
                if len(found) <= LISTED
                else get_close_matches(absent[0], found, n=LISTED, cutoff=0)
            )
            some = "" if len(found) <= LISTED else f" {len(found)} languages, among them"
            raise DataError(
                f"corpus.languages={absent}",
                "in none of the files",
                f"The files have{some}: {', '.join(near)}",
                code="TLN-DATA-116",
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
            for id_, lang, text in zip(
                *(batch.column(c).to_pylist() for c in self.COLUMNS), strict=True
            ):
                number += 1
                if wanted is not None and lang not in wanted:
                    continue
                if text is None or id_ is None:
                    yield Skip(str(path), number, str(lang), "missing_field")
                else:
                    yield tags.line(number, str(id_), lang, str(text))
