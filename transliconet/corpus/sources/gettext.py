"""gettext catalogues: translated messages of programs, a parallel corpus that most systems
carry.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import PoFileError, read_po

from transliconet.corpus.sources.base import Line, Skip, guarded
from transliconet.corpus.sources.files import describe, find_files
from transliconet.errors import DataError
from transliconet.language_tag import LanguageTag, iso639_3


class GettextCatalogues:
    """``.po`` and ``.mo`` files. The language is that of the path: ``locale/hi/LC_MESSAGES/x.mo``,
    ``po/sr@latin.po``.

    Args:
        paths: files, folders or patterns.
        source_language: tag of the messages themselves, which are read as a language too (once for
            each id); None leaves them out.

    The id is the domain, the context and the message, so the same id is the same meaning in every
    language. Fuzzy and missing translations are skipped and counted. Plural forms after the first
    are left out: they have no counterpart of the same number in other languages.

    Raises:
        DataError: a path names no language.
    """

    def __init__(
        self, paths: str | Sequence[str], source_language: str | None = "eng_Latn"
    ) -> None:
        self.files = find_files(paths, (".po", ".mo"))
        self.tags = [language_of_path(f) for f in self.files]
        self.source_tag = (
            LanguageTag.parse(source_language, "corpus.source_language")
            if source_language
            else None
        )

    def sources(self) -> list[dict[str, object]]:
        return describe(self.files)

    def __iter__(self) -> Iterator[Line | Skip]:
        seen: set[int] = set()  # hashes of the ids whose source text has been given
        for path, tag in zip(self.files, self.tags, strict=True):
            yield from guarded(path, str(tag), self._lines(path, tag, seen))

    def _lines(self, path: Path, tag: LanguageTag, seen: set[int]) -> Iterator[Line | Skip]:
        try:
            catalogue = _read(path)
        except (PoFileError, UnicodeDecodeError, ValueError, IndexError) as error:
            yield Skip(
                str(path),
                1,
                str(tag),
                "damaged_catalogue",
                f"{type(error).__name__}: {error}"[:200],
            )
            return
        domain = path.stem if path.parent.name == "LC_MESSAGES" else path.parent.name
        for number, message in enumerate((m for m in catalogue if m.id), 1):
            source, text = _first(message.id), _first(message.string)
            id_ = f"{domain}:{message.context or ''}:{source}"
            if message.fuzzy or not text:
                yield Skip(
                    str(path), number, str(tag), "fuzzy" if message.fuzzy else "untranslated"
                )
                continue
            yield Line(str(path), number, id_, tag, text)
            if self.source_tag and self.source_tag != tag and hash(id_) not in seen:
                seen.add(hash(id_))
                yield Line(str(path), number, id_, self.source_tag, source)


def _read(path: Path) -> Catalog:
    with path.open("rb") as f:
        return read_mo(f) if path.suffix == ".mo" else read_po(f, abort_invalid=True)


def _first(text: Message | str | tuple | list) -> str:
    return str(text[0] if isinstance(text, tuple | list) else text or "")


def language_of_path(path: Path) -> LanguageTag:
    """The language a catalogue is in, by its folder (``hi/LC_MESSAGES/x.mo``) or its name
    (``hi.po``).

    Raises:
        DataError: neither is a language code.
    """
    code = path.parent.parent.name if path.parent.name == "LC_MESSAGES" else path.stem
    name, _, modifier = code.replace("-", "_").partition("@")
    scripts = {"latin": "Latn", "cyrillic": "Cyrl", "devanagari": "Deva", "arabic": "Arab"}
    try:
        locale = Locale.parse(name)
    except (UnknownLocaleError, ValueError, TypeError) as error:
        raise DataError(
            path,
            f"{code!r} is not a language code",
            "Lay files out as LANG/LC_MESSAGES/x.mo or LANG.po",
            code="TLN-DATA-106",
        ) from error
    language = iso639_3(locale.language)
    likely = get_global("likely_subtags").get(_without_script(locale)) or get_global(
        "likely_subtags"
    ).get(locale.language)
    script = scripts.get(modifier) or locale.script or (likely.split("_")[1] if likely else None)
    if language is None or script is None:
        raise DataError(
            path,
            f"no ISO 639-3 code or script is known for {code!r}",
            "Leave that file out",
            code="TLN-DATA-107",
        )
    return LanguageTag(language, script)


def _without_script(locale: Locale) -> str:
    return f"{locale.language}_{locale.territory}" if locale.territory else str(locale.language)
