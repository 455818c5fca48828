"""gettext catalogues: translated messages of programs, a parallel corpus that most systems
carry.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import PoFileParser

from transliconet.corpus.sources.base import Line, Skip, guarded
from transliconet.corpus.sources.files import describe, find_files, has_suffix, open_bytes
from transliconet.errors import DataError, Option
from transliconet.language_tag import LanguageNames, LanguageTag

log = logging.getLogger(__name__)

MOST_PLURALS = 16
"""No language has more plural forms than six; a header that claims millions takes the memory."""
LARGEST_CATALOGUE = 256 << 20
"""Bytes. A catalogue is read as a whole."""
COMPILED_FOLDER = "LC_MESSAGES"


class GettextCatalogues:
    """``.po`` and ``.mo`` files. The language is that of the path: ``locale/hi/LC_MESSAGES/x.mo``,
    ``po/sr@latin.po``, ``hi/x.po``.

    Args:
        paths: files, folders or patterns.
        source_language: tag of the messages themselves, which are read as a language too (once for
            each id); None leaves them out.
        tags: name in the path → tag, for names that are not locales. A locale without script has
            the one that CLDR expects.

    The id is the domain, the context and the message, so the same id is the same meaning in every
    language. Fuzzy and missing translations are skipped and counted. Plural forms after the first
    are left out: they have no counterpart of the same number in other languages.

    Raises:
        DataError: no path names a language. Where some do, each other file is one skip
            (``unknown_language``).
    """

    def __init__(
        self,
        paths: str | Sequence[str],
        source_language: str | None = "eng_Latn",
        tags: Mapping[str, str] | str | None = None,
    ) -> None:
        names = LanguageNames(tags)
        self.source_tag: LanguageTag | None = None
        if source_language:
            given = Option("source_language", source_language)
            self.source_tag = names.tag(source_language, given)
        self.files = find_files(paths, (".po", ".mo"))
        self.tags: dict[Path, LanguageTag] = {}
        self.unknown: dict[Path, DataError] = {}
        for path in self.files:
            try:
                self.tags[path] = language_of_path(path, names)
            except DataError as error:
                self.unknown[path] = error
        if self.unknown:
            first = next(iter(self.unknown.values()))
            if not self.tags:
                raise first
            log.warning("%d catalogues are not read, the first: %s", len(self.unknown), first)

    def sources(self) -> list[dict[str, object]]:
        return describe(self.files)

    def __iter__(self) -> Iterator[Line | Skip]:
        seen: set[int] = set()  # hashes of the ids whose source text has been given
        for path, error in self.unknown.items():
            yield Skip(str(path), 1, "unknown", "unknown_language", detail=error.problem)
        for path, tag in self.tags.items():
            yield from guarded(path, str(tag), self._lines(path, tag, seen))

    def _lines(self, path: Path, tag: LanguageTag, seen: set[int]) -> Iterator[Line | Skip]:
        try:
            catalogue = _read(path)
        except OSError:
            raise
        # third-party code on arbitrary bytes: whatever it raises is about the file, not the run
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"[:200]
            log.warning("%s: not a catalogue that can be read (%s)", path, problem)
            yield Skip(str(path), 1, str(tag), "damaged_catalogue", detail=problem)
            return
        domain = _domain(path, tag)
        messages = (message for message in catalogue if message.id)
        for number, message in enumerate(messages, 1):
            source, text = _first(message.id), _first(message.string)
            id_ = f"{domain}:{message.context or ''}:{source}"
            if message.fuzzy or not text:
                reason = "fuzzy" if message.fuzzy else "untranslated"
                yield Skip(str(path), number, str(tag), reason)
                continue
            yield Line(str(path), number, id_, tag, text=text)
            if self.source_tag and self.source_tag != tag and hash(id_) not in seen:
                seen.add(hash(id_))
                yield Line(str(path), number, id_, self.source_tag, text=source)


class BoundedCatalogue(Catalog):
    """A catalogue whose header cannot ask for more memory than its messages take."""

    @property
    def num_plurals(self) -> int:
        """Number of plural forms that the header announces.

        Raises:
            ValueError: more than any language has, or none.
        """
        number = super().num_plurals
        if not 0 < number <= MOST_PLURALS:
            raise ValueError(f"nplurals={number}")
        return number


def _read(path: Path) -> Catalog:
    size = path.stat().st_size
    if size > LARGEST_CATALOGUE:
        raise ValueError(f"{size} bytes; at most {LARGEST_CATALOGUE} are read")
    with open_bytes(path) as f:
        if has_suffix(path, (".mo",)):
            return read_mo(f)
        catalogue = BoundedCatalogue()
        PoFileParser(catalogue, abort_invalid=True).parse(f)
        return cast(Catalog, catalogue)


def _first(text: Message | str | tuple | list) -> str:
    """The singular of a message that has plural forms."""
    if isinstance(text, tuple | list):
        text = text[0] if text else ""
    return str(text or "")


def language_of_path(path: Path, names: LanguageNames | None = None) -> LanguageTag:
    """The language of a catalogue, by its folder (``hi/LC_MESSAGES/x.mo``, ``hi/x.po``) or its name
    (``hi.po``).

    Args:
        path: of the catalogue.
        names: what names of languages mean.

    Returns:
        The tag.

    Raises:
        DataError: neither is a language.
    """
    names = names or LanguageNames()
    for name in _names_in(path):
        if name in names.mapping:
            return names.mapping[name]
        tag = _tag_of_locale(name)
        if tag:
            return tag
    name = _names_in(path)[0]
    raise DataError(
        path,
        f"{name!r} is not a language code",
        f"Lay files out as LANG/LC_MESSAGES/x.mo or LANG.po, or give tags={{{name}: hin_Deva}}",
        code="TLN-DATA-106",
    )


def _names_in(path: Path) -> tuple[str, ...]:
    """Parts of a path that can name the language, the likeliest first."""
    if path.parent.name == COMPILED_FOLDER:
        return (path.parent.parent.name,)
    return _stem(path), path.parent.name


def _stem(path: Path) -> str:
    """``sr_RS.UTF-8`` of ``sr_RS.UTF-8.po.gz``."""
    name = path.name
    end = max(name.lower().rfind(".po"), name.lower().rfind(".mo"))
    return name[:end] if end > 0 else name


def _tag_of_locale(name: str) -> LanguageTag | None:
    """The tag of a locale that programs are translated into, or None.

    There are 7,900 codes of three letters, and names of programs are among them (``app``): a code
    that stands alone counts only where CLDR has a name for its language.
    """
    try:
        tag = LanguageTag.parse(name, likely=True)
    except DataError:
        return None
    stands_alone = len(name) == 3 and name.isalpha()
    return None if stands_alone and name.lower() not in Locale("en").languages else tag


def _domain(path: Path, tag: LanguageTag) -> str:
    """What the catalogue translates: the name of the file, or, where that is the language, of its
    folder.
    """
    stem = _stem(path)
    named_by_file = path.parent.name != COMPILED_FOLDER and _tag_of_locale(stem) == tag
    return path.parent.name if named_by_file else stem
