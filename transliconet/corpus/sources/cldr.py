"""Unicode CLDR names, through Babel: a small parallel corpus in every script CLDR has names in,
with no download.
"""

from collections.abc import Iterator, Sequence

import babel
from babel import Locale, localedata

from transliconet.corpus.sources.base import Line, Skip
from transliconet.errors import ConfigError, DataError, Option, require_choice
from transliconet.language_tag import LanguageTag
from transliconet.unicode_script import has_non_latin_letter

KINDS = ("territories", "languages", "scripts", "currencies")
LATIN = "Latn"


class CldrNames:
    """Names of territories, languages, scripts and currencies, in each language's own script.

    Args:
        kinds: which names to read, of ``territories``, ``languages``, ``scripts``, ``currencies``.
        languages: tags to read, also of languages in Latin script; None reads every one that CLDR
            writes in another.

    The id is kind and code (``territories/FR``), so the same id is the same name in every language.
    Regional variants (``ar_EG``) repeat their parent's names and are not read. Where a code stands
    for a missing name, it is skipped as ``latin_name``: a name without a letter of another script
    than Latin, or in Latin script the code itself.

    Raises:
        ConfigError: an unknown kind, or a language without names.
    """

    def __init__(
        self, kinds: Sequence[str] = KINDS, languages: Sequence[str] | None = None
    ) -> None:
        for kind in kinds:
            require_choice("kinds", kind, KINDS)
        self.kinds = tuple(kinds)
        self.locales = _locales()
        if languages:
            given = Option("languages", list(languages))
            wanted = {LanguageTag.parse(language, given) for language in languages}
            absent = sorted(str(tag) for tag in wanted - self.locales.keys())
            if absent:
                raise ConfigError(
                    Option("languages", absent),
                    "CLDR has no names in them",
                    "Choose others, or leave it out",
                    code="TLN-CONFIG-102",
                )
            self.locales = {tag: name for tag, name in self.locales.items() if tag in wanted}
        else:
            others = {tag: name for tag, name in self.locales.items() if tag.script != LATIN}
            self.locales = others

    def sources(self) -> list[dict[str, object]]:
        return [
            {
                "package": "babel",
                "version": babel.__version__,
                "kinds": list(self.kinds),
                "locales": len(self.locales),
            }
        ]

    def __iter__(self) -> Iterator[Line | Skip]:
        for tag, identifier in self.locales.items():
            source = f"cldr:{identifier}"
            locale = Locale.parse(identifier)
            for kind in self.kinds:
                names = sorted(getattr(locale, kind).items())
                for number, (code, name) in enumerate(names, 1):
                    id_ = f"{kind}/{code}"
                    if _is_a_name(name, code, tag):
                        yield Line(source, number, id_, tag, text=name)
                    else:
                        yield Skip(source, number, str(tag), "latin_name", detail=id_)


def _is_a_name(name: str, code: str, tag: LanguageTag) -> bool:
    """Whether CLDR has a name in the language, instead of a code or a Latin-script stand-in."""
    if not name:
        return False
    if tag.script == LATIN:
        return name != code
    return has_non_latin_letter(name)


def _locales() -> dict[LanguageTag, str]:
    """Tag → locale identifier, one locale a tag, regional variants left out."""
    found: dict[LanguageTag, str] = {}
    for identifier in sorted(localedata.locale_identifiers()):
        locale = Locale.parse(identifier)
        if locale.territory or locale.variant:
            continue
        try:
            tag = LanguageTag.parse(identifier, likely=True)
        except DataError:
            continue  # no ISO 639 code or no script: such as root
        found.setdefault(tag, identifier)
    return found
