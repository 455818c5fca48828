"""TMX, the exchange format of translation memories, read as a stream."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from transliconet.corpus.sources.base import Line, Skip, TagCache, guarded
from transliconet.corpus.sources.files import describe, find_files, relative_names
from transliconet.corpus.sources.lines import LONGEST_LINE
from transliconet.corpus.sources.xml_records import (
    RecordParser,
    record_lines,
    require_records,
    xml_records,
)
from transliconet.language_tag import LanguageNames

NATIVE_CODES = {"bpt", "ept", "it", "ph", "ut"}
"""Elements of a segment that hold a document's mark-up, not text."""


class TmxFiles:
    """Translation units of TMX files.

    Args:
        paths: files, folders or patterns, compressed or not.
        tags: what the languages of the file mean, see :class:`LanguageNames`. TMX mostly has
            ``hi`` and ``en-GB``: ``auto`` takes their likely scripts.

    The variants of a unit share an id: ``<file>:<tuid>``, or ``<file>:<number of the unit>`` where
    it has no ``tuid``. A second variant in a language is skipped (``second_variant``).

    Raises:
        DataError: a file is not TMX, or declares entities, which could make it unboundedly large.
    """

    suffixes = (".tmx",)

    def __init__(
        self, paths: str | Sequence[str], tags: Mapping[str, str] | str | None = "auto"
    ) -> None:
        self.files = find_files(paths, self.suffixes)
        self.ids = relative_names(self.files)
        self.names = LanguageNames(tags)
        for path in self.files:
            require_records(path, translation_units(path), "TMX")

    def sources(self) -> list[dict[str, object]]:
        return describe(self.files)

    def __iter__(self) -> Iterator[Line | Skip]:
        for path in self.files:
            yield from guarded(path, "unknown", self._lines(path))

    def _lines(self, path: Path) -> Iterator[Line | Skip]:
        unit_lines = partial(self._unit_lines, path, TagCache(path, self.names))
        return record_lines(path, translation_units(path), unit_lines)

    def _unit_lines(self, path: Path, tags: TagCache, unit: "Unit") -> Iterator[Line | Skip]:
        seen: set[str] = set()
        id_ = f"{self.ids[path]}:{unit.tuid or unit.number}"
        for lang, text in unit.variants:
            if text is None:
                yield Skip(
                    str(path), unit.number, lang, "too_long", detail=f"over {LONGEST_LINE} letters"
                )
                continue
            line = tags.line(unit.number, id_, lang, text)
            known = str(line.lang)
            if isinstance(line, Line) and known in seen:
                yield Skip(str(path), unit.number, known, "second_variant")
                continue
            seen.add(known)
            yield line


@dataclass
class Unit:
    """A translation unit: its number in the file from 1, its ``tuid`` if it has one, and the
    language and text of each variant; None for a text that is too long.
    """

    number: int
    tuid: str
    variants: list[tuple[str, str | None]] = field(default_factory=list)


def translation_units(path: Path) -> Iterator[Unit]:
    """Read a TMX file as a stream, with one unit in memory at a time.

    Args:
        path: the file, compressed or not.

    Returns:
        An iterator over its units, in order.

    Raises:
        DataError: the file is not TMX or declares entities.
        xml.parsers.expat.ExpatError: it is not well-formed XML.
    """
    return xml_records(path, _TmxParser)


class _TmxParser(RecordParser[Unit]):
    roots = ("tmx",)

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._unit: Unit | None = None
        self._units = 0
        self._lang = ""
        self._parts: list[str] | None = None  # of the segment that is open
        self._size = 0
        self._codes = 0  # depth of native codes, whose content is no text

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "tu":
            self._units += 1
            self._unit = Unit(self._units, attributes.get("tuid", ""))
        elif name == "tuv":
            self._lang = attributes.get("xml:lang") or attributes.get("lang", "")
        elif name == "seg":
            self._parts, self._size = [], 0
        elif name in NATIVE_CODES:
            self._codes += 1

    def text(self, text: str) -> None:
        if self._parts is None or self._codes:
            return
        self._size += len(text)
        if self._size > LONGEST_LINE:
            self._parts.clear()
        else:
            self._parts.append(text)

    def end(self, name: str) -> None:
        if name in NATIVE_CODES:
            self._codes -= 1
        elif name == "seg" and self._parts is not None and self._unit is not None:
            text = None if self._size > LONGEST_LINE else "".join(self._parts)
            self._unit.variants.append((self._lang, text))
            self._parts = None
        elif name == "tu" and self._unit is not None:
            self.finished.append(self._unit)
            self._unit = None
