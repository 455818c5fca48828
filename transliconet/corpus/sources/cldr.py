"""Unicode CLDR names, through Babel: a small parallel corpus in every script CLDR has names in,
with no download.
"""

from collections.abc import Iterator, Sequence

import babel
from babel import Locale, localedata
from babel.core import get_global

from transliconet.corpus.sources.base import Line, Skip
from transliconet.errors import ConfigError, require_choice
from transliconet.language_tag import LanguageTag, iso639_3
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
            require_choice("corpus.kinds", kind, KINDS)
        self.kinds = tuple(kinds)
        wanted = (
            {str(LanguageTag.parse(t, "corpus.languages")) for t in languages}
            if languages
            else None
        )
        every = _locales()
        if absent := sorted((wanted or set()) - set(map(str, every))):
            raise ConfigError(
                f"corpus.languages={absent}",
                "CLDR has no names in them",
                "Choose others, or leave it out",
                code="TLN-CONFIG-102",
            )
        self.locales = {
            t: i for t, i in every.items() if (str(t) in wanted if wanted else t.script != LATIN)
        }

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
                for number, (code, name) in enumerate(sorted(getattr(locale, kind).items()), 1):
                    if not name or (
                        name == code if tag.script == LATIN else not has_non_latin_letter(name)
                    ):
                        yield Skip(source, number, str(tag), "latin_name", f"{kind}/{code}")
                    else:
                        yield Line(source, number, f"{kind}/{code}", tag, name)


def _locales() -> dict[LanguageTag, str]:
    """Tag → locale identifier, one locale a tag, regional variants left out."""
    likely = get_global("likely_subtags")
    found: dict[LanguageTag, str] = {}
    for identifier in sorted(localedata.locale_identifiers()):
        locale = Locale.parse(identifier)
        language = iso639_3(locale.language)
        if locale.territory or locale.variant or language is None:
            continue
        script = locale.script or likely.get(locale.language, f"_{LATIN}").split("_")[1]
        found.setdefault(LanguageTag(language, script), identifier)
    return found
