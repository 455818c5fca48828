"""Plain text, one sentence a line."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from transliconet.corpus.sources.alignment import (
    aligned_file,
    line_digest,
    require_equal_length,
)
from transliconet.corpus.sources.base import Line, Skip, guarded
from transliconet.corpus.sources.files import describe, find_files, relative_names
from transliconet.corpus.sources.lines import first_bytes, require_text, text_lines
from transliconet.errors import DataError, Option
from transliconet.language_tag import LanguageNames, LanguageTag

JSON_OBJECT = re.compile(rb'\s*\{\s*"[^"\n]*"\s*:')
"""How a JSON object begins."""


class TextFiles:
    """Plain text, one sentence a line, UTF-8 or UTF-16 with byte-order mark.

    Args:
        paths: files, folders or patterns; ``.gz``, ``.bz2``, ``.xz`` and ``.zst`` are decompressed.
        lang: tag of every file. None takes each file's from its name (``hin_Deva.txt``) or its
            folder's (``hin_Deva/train.txt``).
        parallel: line n means the same in all files whose names differ only in the language, such
            as ``hin_Deva/train.txt`` and ``kat_Geor/train.txt``; its id is ``train:n``. By default
            the id is ``<file>:<line number>``, so that no line is a translation of another.
        tags: what the names of languages mean, see :class:`LanguageNames`.

    Only ``\\n`` and ``\\r\\n`` end a line.

    Raises:
        DataError: a file is not text, has no language, or parallel files differ in length.
    """

    suffixes = (".txt",)

    def __init__(
        self,
        paths: str | Sequence[str],
        lang: str | None = None,
        parallel: bool = False,
        tags: Mapping[str, str] | str | None = None,
    ) -> None:
        self.files = find_files(paths, self.suffixes)
        require_text(self.files)
        _refuse_json_lines(self.files)
        names = LanguageNames(tags)
        fixed = names.tag(lang, Option("lang", lang)) if lang else None
        self.tags = [fixed or names.tag_of_file(path) for path in self.files]
        self.prefixes = {path: f"{name}:" for path, name in relative_names(self.files).items()}
        if parallel:
            self.prefixes = self._aligned(names)

    def _aligned(self, names: LanguageNames) -> dict[Path, str]:
        """What precedes the line number in the ids of each file, equal for aligned files."""
        prefixes: dict[Path, str] = {}
        counts: dict[str, dict[Path, int]] = {}
        for path, relative in relative_names(self.files).items():
            aligned = aligned_file(path, relative, names)
            group = aligned.group if aligned else relative
            prefixes[path] = f"{group}:" if group else ""
            counts.setdefault(group, {})[path] = line_digest(path)[0]
        for group, lengths in counts.items():
            require_equal_length(group, lengths)
        return prefixes

    def sources(self) -> list[dict[str, object]]:
        return describe(self.files)

    def __iter__(self) -> Iterator[Line | Skip]:
        for path, tag in zip(self.files, self.tags, strict=True):
            yield from guarded(path, str(tag), self._lines(path, tag))

    def _lines(self, path: Path, tag: LanguageTag) -> Iterator[Line | Skip]:
        source, prefix = str(path), self.prefixes[path]
        for number, text in text_lines(path, str(tag)):
            if isinstance(text, Skip):
                yield text
            else:
                yield Line(source, number, f"{prefix}{number}", tag, text=text)


def _refuse_json_lines(files: Sequence[Path]) -> None:
    """Raise where a file begins with a JSON object, which is no sentence."""
    for path in files:
        if JSON_OBJECT.match(first_bytes(path)):
            raise DataError(
                path,
                "JSON lines, not plain text",
                "corpus=jsonl reads it",
                code="TLN-DATA-141",
            )
