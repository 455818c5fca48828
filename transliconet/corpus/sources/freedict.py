"""Bilingual dictionaries of FreeDict, in TEI, read as lexicons."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from transliconet.corpus.sources.base import Line, Skip, TagCache, guarded
from transliconet.corpus.sources.files import describe, find_files
from transliconet.corpus.sources.lexicon import without_homographs
from transliconet.corpus.sources.lines import LONGEST_LINE
from transliconet.corpus.sources.xml_records import (
    RecordParser,
    record_lines,
    require_records,
    xml_records,
)
from transliconet.errors import DataError
from transliconet.language_tag import LanguageNames


class FreeDictFiles:
    """Dictionaries in the TEI of FreeDict, named by their languages: ``deu-hin.tei``.

    The concept of an entry is its headword in its language, so that dictionaries of one source
    language share their concepts. A headword's first translation is taken; others are skipped
    (``further_translation``), and so are words that stand for several headwords (``homograph``).

    Args:
        paths: files, folders or patterns, compressed or not.
        tags: what the languages in the files' names mean, see :class:`LanguageNames`.

    Raises:
        DataError: a file is not TEI, declares entities, or has no two languages in its name.
    """

    suffixes = (".tei", ".tei.xml")

    def __init__(
        self, paths: str | Sequence[str], tags: Mapping[str, str] | str | None = "auto"
    ) -> None:
        self.files = find_files(paths, self.suffixes)
        self.names = LanguageNames(tags)
        for path in self.files:
            _languages(path)
            require_records(path, xml_records(path, _TeiParser), "TEI")

    def sources(self) -> list[dict[str, object]]:
        return describe(self.files)

    def __iter__(self) -> Iterator[Line | Skip]:
        return without_homographs(self._all_lines)

    def _all_lines(self) -> Iterator[Line | Skip]:
        translated: set[tuple[str, str]] = set()  # concept and language of each translation
        for path in self.files:
            lines_of = partial(self._entry_lines, path, TagCache(path, self.names), translated)
            lines = record_lines(path, xml_records(path, _TeiParser), lines_of)
            yield from guarded(path, "unknown", lines)

    def _entry_lines(
        self, path: Path, tags: TagCache, translated: set[tuple[str, str]], entry: "Entry"
    ) -> Iterator[Line | Skip]:
        source, target = _languages(path)
        if not entry.headword:
            yield Skip(str(path), entry.number, source, "missing_field", detail="orth")
            return
        concept = f"{source}:{entry.headword}"
        if (concept, source) not in translated:
            translated.add((concept, source))
            yield tags.line(entry.number, concept, source, entry.headword)
        for word in entry.translations:
            if (concept, target) in translated:
                yield Skip(str(path), entry.number, target, "further_translation", detail=word)
                continue
            translated.add((concept, target))
            yield tags.line(entry.number, concept, target, word)


def _languages(path: Path) -> tuple[str, str]:
    """The languages of headwords and translations, from the file's name."""
    languages = path.name.split(".")[0].split("-")
    if len(languages) != 2 or not all(languages):
        raise DataError(
            path,
            "its name does not say the two languages",
            "Name it as FreeDict does, deu-hin.tei",
            code="TLN-DATA-150",
        )
    return languages[0], languages[1]


@dataclass
class Entry:
    """An entry: its number in the file from 1, its first headword and all its translations."""

    number: int
    headword: str = ""
    translations: list[str] = field(default_factory=list)


class _TeiParser(RecordParser[Entry]):
    """Headwords are ``orth``; translations ``quote`` in ``cit type="trans"``, examples apart."""

    roots = ("TEI", "TEI.2")

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._entry: Entry | None = None
        self._entries = 0
        self._citations: list[bool] = []  # of those that are open, whether it is a translation
        self._text: str | None = None  # of the element that is open

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "entry":
            self._entries += 1
            self._entry = Entry(self._entries)
        elif name == "cit":
            self._citations.append(attributes.get("type") in ("trans", "translation"))
        elif name == "orth" or (name == "quote" and self._citations and all(self._citations)):
            self._text = ""

    def text(self, text: str) -> None:
        if self._text is not None and len(self._text) <= LONGEST_LINE:
            self._text += text

    def end(self, name: str) -> None:
        if name == "cit":
            self._citations.pop()
        elif name == "entry" and self._entry is not None:
            self.finished.append(self._entry)
            self._entry = None
        elif name in ("orth", "quote") and self._text is not None and self._entry is not None:
            word = " ".join(self._text.split())
            if name == "quote" and word:
                self._entry.translations.append(word)
            elif name == "orth" and not self._entry.headword:
                self._entry.headword = word
            self._text = None
