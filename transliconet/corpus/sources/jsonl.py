"""JSON lines: one object a line."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from transliconet.corpus.sources.base import Line, Skip, TagCache, guarded
from transliconet.corpus.sources.files import describe, find_files, numbered_lines
from transliconet.language_tag import LanguageTag


class JsonLines:
    """One JSON object a line.

    Args:
        paths: files, folders or patterns, compressed or not.
        lang: tag of every row; None takes it from ``lang_field``, or from the file name where that
            is None too.
        text_field, lang_field, id_field: keys of the object. Without an id the id is ``<file
            name>:<line number>``.
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
                yield Skip(
                    str(path), number, known, "invalid_utf8", f"byte {error.start}: {error.reason}"
                )
                continue
            except (ValueError, RecursionError) as error:
                yield Skip(
                    str(path),
                    number,
                    known,
                    "invalid_json" if raw.strip() else "empty",
                    str(error)[:200],
                )
                continue
            text = row.get(self.text_field) if isinstance(row, dict) else None
            if not isinstance(text, str) or (self.id_field and row.get(self.id_field) is None):
                yield Skip(str(path), number, known, "missing_field")
                continue
            id_ = str(row[self.id_field]) if self.id_field else f"{path.name}:{number}"
            yield tags.line(number, id_, tag or row.get(self.lang_field), text)
