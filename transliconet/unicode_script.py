"""Scripts of characters and texts, by the Unicode script property."""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache

from fontTools.unicodedata import script

COMPOSITE = {
    "Hans": {"Hani", "Bopo"},
    "Hant": {"Hani", "Bopo"},
    "Jpan": {"Hani", "Hira", "Kana"},
    "Hrkt": {"Hira", "Kana"},
    "Kore": {"Hang", "Hani"},
    "Aran": {"Arab"},
    "Geok": {"Geor"},
    "Cyrs": {"Cyrl"},
    "Latf": {"Latn"},
    "Latg": {"Latn"},
    "Syre": {"Syrc"},
    "Syrj": {"Syrc"},
    "Syrn": {"Syrc"},
}
"""ISO 15924 codes that are not values of the Unicode script property → the values that they stand
for.
"""


SHARED = {"Zyyy", "Zinh", "Zzzz"}


_script_of = cache(script)


def script_share(text: str, code: str) -> float:
    """Share of the letters of ``text`` that are of the script ``code`` (ISO 15924); 0 where there
    is no letter.

    Letters that several scripts share (``ー``) are not counted.

    >>> script_share("Москва 24, Moskva", "Cyrl")
    0.5
    """
    scripts = [s for c in text if c.isalpha() and (s := _script_of(c)) not in SHARED]
    expected = property_values([code])
    return sum(s in expected for s in scripts) / len(scripts) if scripts else 0.0


def property_values(codes: Iterable[str]) -> set[str]:
    """The values of the Unicode script property that ISO 15924 codes stand for.

    >>> sorted(property_values(["Jpan", "Cyrl"]))
    ['Cyrl', 'Hani', 'Hira', 'Kana']
    """
    values: set[str] = set()
    for code in codes:
        values |= COMPOSITE.get(code, {code})
    return values


def scripts_in(text: str) -> set[str]:
    """ISO 15924 codes of the letters in ``text``, by the Unicode script property; common and
    inherited ones left out.

    >>> sorted(scripts_in("Москва, 東京, 100 km"))
    ['Cyrl', 'Hani', 'Latn']
    """
    return {_script_of(c) for c in text if c.isalpha()} - SHARED


def main_script(text: str) -> str | None:
    """ISO 15924 code of the script, other than Latin, of most letters in ``text``; None where all
    are Latin.

    >>> main_script("Москва, 東京, 100 km"), main_script("Moskva")
    ('Cyrl', None)
    """
    letters = Counter(_script_of(letter) for letter in text if letter.isalpha())
    for common in (*SHARED, "Latn"):
        letters.pop(common, None)
    return letters.most_common(1)[0][0] if letters else None


def has_non_latin_letter(text: str) -> bool:
    """Whether any letter of ``text`` is of a script other than Latin."""
    return bool(scripts_in(text) - {"Latn"})


def is_letter(character: str) -> bool:
    """Whether a character is a letter, a mark that is written with letters, or a digit."""
    return unicodedata.category(character)[0] in "LMN"


def split_word(text: str) -> tuple[str, str, str]:
    """What stands before a word, the word, and what stands after it.

    >>> split_word("«नमस्ते!»")
    ('«', 'नमस्ते', '!»')
    """
    places = [place for place, character in enumerate(text) if is_letter(character)]
    if not places:
        return text, "", ""
    start, end = places[0], places[-1] + 1
    return text[:start], text[start:end], text[end:]
