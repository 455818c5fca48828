"""Scripts of characters and texts, by the Unicode script property."""

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
    expected = COMPOSITE.get(code, {code})
    return sum(s in expected for s in scripts) / len(scripts) if scripts else 0.0


def scripts_in(text: str) -> set[str]:
    """ISO 15924 codes of the letters in ``text``, by the Unicode script property; common and
    inherited ones left out.

    >>> sorted(scripts_in("Москва, 東京, 100 km"))
    ['Cyrl', 'Hani', 'Latn']
    """
    return {_script_of(c) for c in text if c.isalpha()} - SHARED


def has_non_latin_letter(text: str) -> bool:
    """Whether any letter of ``text`` is of a script other than Latin."""
    return bool(scripts_in(text) - {"Latn"})
