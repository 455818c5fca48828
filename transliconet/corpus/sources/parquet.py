"""Long Parquet tables: one text a row."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as types

from transliconet.corpus.sources.base import Line, Skip, TagCache, id_text
from transliconet.corpus.sources.files import UNREADABLE, describe, find_files, relative_names
from transliconet.errors import DataError, Option
from transliconet.language_tag import LanguageNames, LanguageTag

log = logging.getLogger(__name__)

LISTED = 20
"""Most languages that a message names: those spelled most like the wanted one."""
BATCH_ROWS = 8192
DAMAGED = (*UNREADABLE, UnicodeDecodeError, MemoryError)
"""What reading a damaged Parquet file can raise."""

_STRINGS = (types.is_string, types.is_large_string, types.is_null)
_NUMBERS = (types.is_integer, types.is_floating)


class ParquetFiles:
    """Long Parquet tables: one text a row, with columns for its id, tag and text. Rows with equal
    ids are translations of each other.

    Args:
        paths: files, folders or patterns.
        languages: tags to read; None reads all. Rows of other languages are ignored, and not
            counted as dropped.
        lang: tag of every row; None takes it from ``lang_column``.
        text_column, lang_column, id_column: columns. ``id_column`` None: the id is ``<file>:<row
            number>``.
        tags: what the source's names of languages mean, see
            :class:`~transliconet.language_tag.LanguageNames`.

    Raises:
        DataError: a file is not Parquet, lacks a column or has one of a type that is no text, or a
            wanted language is in none of them.
    """

    suffixes = (".parquet",)

    def __init__(
        self,
        paths: str | Sequence[str],
        languages: Sequence[str] | None = None,
        *,
        lang: str | None = None,
        text_column: str = "text",
        lang_column: str = "lang",
        id_column: str | None = "id",
        tags: Mapping[str, str] | str | None = None,
    ) -> None:
        self.files = find_files(paths, self.suffixes)
        self.labels = relative_names(self.files)
        self.names = LanguageNames(tags)
        self.tag = self.names.tag(lang, Option("lang", lang)) if lang else None
        self.text_column, self.id_column = text_column, id_column
        self.lang_column = None if self.tag else lang_column
        self.columns = [c for c in (id_column, self.lang_column, text_column) if c]
        self.languages: set[LanguageTag] | None = None
        if languages:
            given = Option("languages", list(languages))
            self.languages = {self.names.tag(tag, given) for tag in languages}
        for path in self.files:
            self._check_columns(path)
        self._check_languages()

    def _check_columns(self, path: Path) -> None:
        try:
            schema = pq.read_schema(path)
        except DAMAGED as error:
            raise DataError(
                path,
                f"not a Parquet file ({str(error)[:80]})",
                "Give a Parquet file, or corpus=text",
                code="TLN-DATA-114",
            ) from error
        for column in self.columns:
            number = schema.names.count(column)
            if number != 1:
                raise DataError(
                    path,
                    f"{number or 'no'} column{'s' * (number > 1)} {column!r}; it has "
                    f"{schema.names}",
                    "Name the columns with text_column, lang_column and id_column",
                    code="TLN-DATA-115",
                )
            is_id = column == self.id_column
            usable = (*_STRINGS, *_NUMBERS) if is_id else _STRINGS
            if not _is_a(schema.field(column).type, usable):
                wanted = "strings or numbers" if is_id else "strings"
                raise DataError(
                    path,
                    f"the column {column!r} is of type {schema.field(column).type}, not of "
                    f"{wanted}",
                    "Cast the column, or name another one",
                    code="TLN-DATA-118",
                )

    def _check_languages(self) -> None:
        if not self.languages:
            return
        present: set[LanguageTag] = {self.tag} if self.tag else set()
        spelled: set[str] = set()
        for path in self.files if self.lang_column else ():
            spelled |= _distinct(path, self.lang_column)
        for name in spelled:
            try:
                present.add(self.names.tag(name))
            except DataError:
                continue  # its rows are skipped one by one
        absent = sorted(str(tag) for tag in self.languages - present)
        if absent:
            found = sorted(spelled)
            some = "" if len(found) <= LISTED else f" {len(found)} languages, among them"
            if len(found) > LISTED:
                found = get_close_matches(absent[0], found, n=LISTED, cutoff=0)
            raise DataError(
                Option("languages", absent),
                "in none of the files",
                f"The files have{some}: {', '.join(found)}",
                code="TLN-DATA-116",
            )

    def sources(self) -> list[dict[str, object]]:
        return describe(self.files)

    def __iter__(self) -> Iterator[Line | Skip]:
        for path in self.files:
            yield from self._file(path)

    def _file(self, path: Path) -> Iterator[Line | Skip]:
        """Row group by row group, so that damage in one loses its own rows only."""
        tags = TagCache(path, self.names)
        start = 0
        try:
            file = pq.ParquetFile(path, page_checksum_verification=True)
            sizes = _row_group_sizes(file)
        except DAMAGED as error:
            problem = _problem(error)
            yield Skip(str(path), 1, self._language(None), "unreadable_rest", detail=problem)
            return
        for group, size in enumerate(sizes):
            number = start
            try:
                for batch in file.iter_batches(BATCH_ROWS, [group], self.columns):
                    for row in self._rows(batch):
                        number += 1
                        yield from self._line(tags, number, *row)
            except DAMAGED as error:
                problem = _problem(error)
                lost = start + size - number
                log.warning("%s: %d rows lost (%s)", path, lost, problem)
                languages = self._languages_of(file, group, size)
                for row_number in range(number, start + size):
                    lang = languages[row_number - start]
                    yield Skip(str(path), row_number + 1, lang, "unreadable_row", detail=problem)
            start += size

    def _rows(self, batch: pa.RecordBatch) -> Iterable[tuple[object, object, object]]:
        """Id, language and text of each row."""
        nothing: list[object] = [None] * batch.num_rows
        ids = _values(batch.column(self.id_column)) if self.id_column else nothing
        langs = _values(batch.column(self.lang_column)) if self.lang_column else nothing
        texts = _values(batch.column(self.text_column))
        return zip(ids, langs, texts, strict=True)

    def _line(
        self, tags: TagCache, number: int, id_: object, lang: object, text: object
    ) -> Iterator[Line | Skip]:
        if self.languages is not None and tags.tag_of(self.tag or lang) not in self.languages:
            return
        known = self._language(lang)
        line: Line | Skip
        text_id = id_text(id_) if self.id_column else f"{self.labels[Path(tags.source)]}:{number}"
        if isinstance(id_, bytes) or isinstance(text, bytes) or isinstance(lang, bytes):
            line = Skip(tags.source, number, known, "invalid_utf8")
        elif text is None or text_id is None or (lang is None and self.tag is None):
            line = Skip(tags.source, number, known, "missing_field")
        else:
            line = tags.line(number, text_id, self.tag or lang, str(text))
        yield line

    def _language(self, lang: object) -> str:
        """What a skip says of the language."""
        return str(self.tag or (lang if isinstance(lang, str) else "unknown"))

    def _languages_of(self, file: pq.ParquetFile, group: int, size: int) -> list[str]:
        """Languages of a row group's rows, as far as their column can be read."""
        unknown = [self._language(None)] * size
        if self.lang_column is None:
            return unknown
        try:
            column = file.read_row_group(group, [self.lang_column]).column(0)
            languages = [self._language(lang) for lang in column.to_pylist()]
        except DAMAGED:
            return unknown
        return languages if len(languages) == size else unknown


def _is_a(type_: pa.DataType, kinds: Iterable) -> bool:
    """Whether a type, or that of a dictionary's values, is of one of ``kinds``."""
    if types.is_dictionary(type_):
        type_ = type_.value_type
    is_view = type_ == pa.string_view()
    return is_view or any(kind(type_) for kind in kinds)


def _values(column: pa.Array) -> list[object]:
    """The values of a column; one whose bytes are not UTF-8 is given as bytes."""
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        if types.is_dictionary(column.type):
            column = column.dictionary_decode()
        raw = column.cast(pa.large_binary()).to_pylist()
        return [_decoded(value) for value in raw]


def _decoded(value: bytes | None) -> str | bytes | None:
    try:
        return None if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return value


def _distinct(path: Path, column: str | None) -> set[str]:
    """The different values of a column, as far as it can be read."""
    found: set[str] = set()
    try:
        for batch in pq.ParquetFile(path).iter_batches(columns=[column]):
            found.update(v for v in _values(batch.column(0).unique()) if isinstance(v, str))
    except DAMAGED as error:
        log.warning("%s: the column %s cannot be read on: %s", path, column, _problem(error))
    return found


def _row_group_sizes(file: pq.ParquetFile) -> list[int]:
    metadata = file.metadata
    return [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]


def _problem(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:200]
