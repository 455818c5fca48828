"""JSON lines: one object a line."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from transliconet.corpus.sources.base import (
    MISSING,
    Line,
    Skip,
    TagCache,
    describe_type,
    field_of,
    guarded,
    id_text,
)
from transliconet.corpus.sources.files import (
    describe,
    find_files,
    relative_names,
)
from transliconet.corpus.sources.lines import (
    LONGEST_LINE,
    first_bytes,
    numbered_lines,
    require_text,
)
from transliconet.errors import DataError, Option
from transliconet.language_tag import LanguageNames, LanguageTag

ARRAY_OF_OBJECTS = re.compile(rb"\s*\[\s*(?:\{|\Z)")
"""How a file begins that is one JSON array."""


class JsonLines:
    """One JSON object a line.

    Args:
        paths: files, folders or patterns, compressed or not.
        lang: tag of every row; None takes it from ``lang_field``, or from the name of the file or
            its folder where that is None too.
        text_field, lang_field, id_field: keys of the object; ``translation.hi`` is the key ``hi``
            of the object ``translation``. Without an id the id is ``<file>:<line number>``.
        tags: what the source's names of languages mean, see
            :class:`~transliconet.language_tag.LanguageNames`.

    Raises:
        DataError: no such file, one that is not text, or one that is a single array.
    """

    suffixes = (".jsonl", ".ndjson")

    def __init__(
        self,
        paths: str | Sequence[str],
        lang: str | None = None,
        text_field: str = "text",
        lang_field: str | None = None,
        id_field: str | None = None,
        tags: Mapping[str, str] | str | None = None,
    ) -> None:
        self.files = find_files(paths, self.suffixes)
        require_text(self.files)
        _refuse_arrays(self.files)
        self.labels = relative_names(self.files)
        self.names = LanguageNames(tags)
        self.text_field, self.lang_field, self.id_field = text_field, lang_field, id_field
        self.tag = self.names.tag(lang, Option("lang", lang)) if lang else None
        self.file_tags: dict[Path, LanguageTag | None] = dict.fromkeys(self.files, self.tag)
        if self.tag is None and lang_field is None:
            self.file_tags = {path: self.names.tag_of_file(path) for path in self.files}

    def sources(self) -> list[dict[str, object]]:
        return describe(self.files)

    def __iter__(self) -> Iterator[Line | Skip]:
        for path, tag in self.file_tags.items():
            yield from guarded(path, str(tag or "unknown"), self._lines(path, tag))

    def _lines(self, path: Path, tag: LanguageTag | None) -> Iterator[Line | Skip]:
        tags = TagCache(path, self.names)
        for number, raw in numbered_lines(path):
            row, reason, detail = _parse(raw)
            if reason:
                yield Skip(str(path), number, str(tag or "unknown"), reason, detail=detail)
                continue
            yield self._line(tags, number, row, tag)

    def _line(
        self, tags: TagCache, number: int, row: object, tag: LanguageTag | None
    ) -> Line | Skip:
        """The row as a line, or as a skip that names the field."""
        known = str(tag or "unknown")
        if not isinstance(row, dict):
            detail = f"the line is {describe_type(row)}, not an object"
            return Skip(tags.source, number, known, "missing_field", detail=detail)
        text = field_of(row, self.text_field)
        lang = tag or field_of(row, str(self.lang_field))
        id_ = f"{self.labels[Path(tags.source)]}:{number}"
        if isinstance(lang, str):
            known = lang
        if self.id_field:
            given_id = field_of(row, self.id_field)
            text_id = id_text(given_id)
            if text_id is None:
                return _unusable(tags.source, number, known, self.id_field, value=given_id)
            id_ = text_id
        if not isinstance(text, str):
            return _unusable(tags.source, number, known, self.text_field, value=text)
        if lang is MISSING or lang is None:
            return _unusable(tags.source, number, known, str(self.lang_field), value=lang)
        return tags.line(number, id_, lang, text)


def _refuse_arrays(files: Sequence[Path]) -> None:
    """Raise where a file is one array of objects, which would be a skip for each of its lines."""
    for path in files:
        if ARRAY_OF_OBJECTS.match(first_bytes(path)):
            raise DataError(
                path,
                "a JSON array, not an object a line",
                "Write an object a line: jq -c '.[]' FILE > NEW_FILE.jsonl",
                code="TLN-DATA-140",
            )


def _parse(raw: bytes | None) -> tuple[object, str, str]:
    """The row; or a reason and a detail to skip it."""
    if raw is None:
        return None, "too_long", f"more than {LONGEST_LINE} bytes"
    try:
        return json.loads(raw), "", ""
    except UnicodeDecodeError as error:
        return None, "invalid_utf8", f"byte {error.start}: {error.reason}"
    except (ValueError, RecursionError) as error:
        reason = "invalid_json" if raw.strip() else "empty"
        return None, reason, str(error)[:200]


def _unusable(source: str, number: int, lang: str, field: str, value: object) -> Skip:
    if value is MISSING or value is None:
        return Skip(source, number, lang, "missing_field", detail=f"no field {field!r}")
    return Skip(source, number, lang, "wrong_type", detail=f"{field!r} is {describe_type(value)}")
