"""A collection without a download: territories of Unicode CLDR, with what they speak and pay with.

A document is a territory in one language's words: its name, its official languages and its
currencies. Queries are names of territories, languages and currencies.
"""

from collections.abc import Iterator, Sequence
from itertools import product

import babel
from babel import Locale
from babel.languages import get_official_languages
from babel.numbers import get_territory_currencies

from transliconet.corpus.cleaning import mend
from transliconet.corpus.sources.cldr import CldrNames
from transliconet.documents.collection import Collection, LeftOut, Query, add
from transliconet.errors import DataError, Option
from transliconet.unicode_script import has_non_latin_letter

LANGUAGES = (
    *("amh_Ethi", "ara_Arab", "ben_Beng", "ell_Grek", "hin_Deva"),
    *("kat_Geor", "rus_Cyrl", "tha_Thai"),
)
"""What is read where no languages are named: eight scripts."""


class CldrTerritories:
    """Reads territories of CLDR as documents.

    Each name of a territory is a query for that territory, each language for the territories where
    it is official, each currency for those where it is legal tender. A name that stands for two
    things, such as Tokelau for the territory and its language, is left out.
    """

    def sources(self) -> list[dict[str, object]]:
        """The package that the names come from."""
        return [{"package": "babel", "version": babel.__version__, "kinds": ["territories"]}]

    def read(self, languages: Sequence[str] | None = None) -> list[Collection]:
        """See :meth:`transliconet.documents.collection.CollectionSource.read`; None takes
        :data:`LANGUAGES`.

        Raises:
            ConfigError: CLDR has no names in one of the languages.
        """
        names = CldrNames(languages=languages or LANGUAGES)
        collections = []
        for tag, identifier in sorted(names.locales.items(), key=lambda item: str(item[0])):
            collections.append(_collection(str(tag), Locale.parse(identifier)))
        return collections


def _collection(tag: str, locale: Locale) -> Collection:
    counts = LeftOut()
    documents: dict[str, str] = {}
    judgments: dict[str, dict[str, float]] = {}
    names: dict[str, str] = {}  # id of a query → its text
    for code in sorted(locale.territories):
        if not code.isalpha():
            continue  # 001 and the like are continents
        parts = list(_parts(code, locale, latin=tag.endswith("_Latn")))
        if not parts or parts[0][0] != f"territories/{code}":
            add(counts, "latin_name", 1)
            continue
        documents[code] = ". ".join(name for _, name in parts)
        for id_, name in parts:
            names[id_] = name
            judgments.setdefault(id_, {})[code] = 1.0
    if not documents:
        raise DataError(
            Option("languages", [tag]),
            "CLDR has no names of territories in its script",
            "Choose other languages",
            code="TLN-DATA-643",
        )
    meanings: dict[str, list[str]] = {}
    for id_, name in names.items():
        meanings.setdefault(name, []).append(id_)
    queries = []
    for name, ids in meanings.items():
        if len(ids) > 1:
            add(counts, "ambiguous_name", len(ids))
            for id_ in ids:
                del judgments[id_]
        else:
            queries.append(Query(ids[0], name))
    return Collection.from_judgments(tag, documents, queries, judgments=judgments, left_out=counts)


def _parts(code: str, locale: Locale, latin: bool) -> Iterator[tuple[str, str]]:
    """Id and name of what a document mentions, as far as CLDR has it in the language's script."""
    mentioned = [("territories", code)]
    mentioned += product(["languages"], get_official_languages(code))
    mentioned += product(["currencies"], get_territory_currencies(code))
    for kind, part in mentioned:
        name = mend(getattr(locale, kind).get(part) or "")
        usable = name not in ("", part) if latin else has_non_latin_letter(name)
        if usable:
            yield f"{kind}/{part}", name
