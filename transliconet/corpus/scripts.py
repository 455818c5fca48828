"""Language tags: ISO 639-3, an underscore, ISO 15924, as in ``hin_Deva``."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pycountry
from fontTools.unicodedata import script

from transliconet.errors import DataError

_FORM = re.compile(r"([a-z]{3})_([A-Z][a-z]{3})")
_REMEDY = "Write ISO 639-3, an underscore and ISO 15924, e.g. hin_Deva or srp_Cyrl"


@dataclass(frozen=True, slots=True, order=True)
class LanguageTag:
    """A language in a script. ``language`` is what uroman takes; ``str(tag)`` is what the pairs folder holds."""

    language: str
    script: str

    def __str__(self) -> str:
        return f"{self.language}_{self.script}"

    @classmethod
    def parse(cls, tag: object, where: str = "lang") -> "LanguageTag":
        """Read and check a tag.

        Args:
            tag: the text to read.
            where: the option, file or column it came from, for the error.

        Raises:
            DataError: the form is wrong, or the language or script code does not exist.
        """
        match = _FORM.fullmatch(tag) if isinstance(tag, str) else None
        if not match:
            raise DataError(f"{where}={tag!r}", "not a language tag", _REMEDY)
        language, script = match.groups()
        if pycountry.languages.get(alpha_3=language) is None:
            raise DataError(f"{where}={tag!r}", f"{language!r} is not an ISO 639-3 code", _REMEDY)
        if pycountry.scripts.get(alpha_4=script) is None:
            raise DataError(f"{where}={tag!r}", f"{script!r} is not an ISO 15924 code", _REMEDY)
        return cls(language, script)

    @classmethod
    def from_file_name(cls, path: Path) -> "LanguageTag":
        """The tag a file is named after: ``hin_Deva.txt``, ``hin_Deva.part2.csv``.

        Raises:
            DataError: the name does not start with a tag.
        """
        stem = path.name.split(".")[0]
        if not _FORM.fullmatch(stem):
            raise DataError(path, "no language tag in the file name", f"Set corpus.lang, or rename the file. {_REMEDY}")
        return cls.parse(stem, where=str(path))


COMPOSITE = {
    "Hans": {"Hani", "Bopo"}, "Hant": {"Hani", "Bopo"}, "Jpan": {"Hani", "Hira", "Kana"}, "Hrkt": {"Hira", "Kana"},
    "Kore": {"Hang", "Hani"}, "Aran": {"Arab"}, "Geok": {"Geor"}, "Cyrs": {"Cyrl"}, "Latf": {"Latn"}, "Latg": {"Latn"},
    "Syre": {"Syrc"}, "Syrj": {"Syrc"}, "Syrn": {"Syrc"},
}  # fmt: skip
"""ISO 15924 codes that are not values of the Unicode script property → the values that they stand for."""

SHARED = {"Zyyy", "Zinh", "Zzzz"}
_script_of = cache(script)


def script_share(text: str, code: str) -> float:
    """Share of the letters of ``text`` that are of the script ``code`` (ISO 15924); 0 where there is no letter.

    Letters that several scripts share (``ー``) are not counted.

    >>> script_share("Москва 24, Moskva", "Cyrl")
    0.5
    """
    scripts = [s for c in text if c.isalpha() and (s := _script_of(c)) not in SHARED]
    expected = COMPOSITE.get(code, {code})
    return sum(s in expected for s in scripts) / len(scripts) if scripts else 0.0


def iso639_3(code: str) -> str | None:
    """The ISO 639-3 code of a two- or three-letter language code, or None where there is none."""
    entry = pycountry.languages.get(alpha_2=code) if len(code) == 2 else pycountry.languages.get(alpha_3=code)
    return entry.alpha_3 if entry else None


def scripts_in(text: str) -> set[str]:
    """ISO 15924 codes of the letters in ``text``, by the Unicode script property; common and inherited ones left out.

    >>> sorted(scripts_in("Москва, 東京, 100 km"))
    ['Cyrl', 'Hani', 'Latn']
    """
    return {_script_of(c) for c in text if c.isalpha()} - SHARED


def has_non_latin_letter(text: str) -> bool:
    """Whether any letter of ``text`` is of a script other than Latin."""
    return bool(scripts_in(text) - {"Latn"})
