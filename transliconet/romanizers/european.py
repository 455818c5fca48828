"""Cyrillic by language, through cyrtranslit, and Greek, as ISO 843 or as it is typed."""

import re
import unicodedata
from importlib.metadata import version

from transliconet.romanizers.base import required_package

CYRILLIC = {
    "bel": "by",
    "bul": "bg",
    "cnr": "me",
    "kaz": "kk",
    "mkd": "mk",
    "mon": "mn",
    "khk": "mn",
    "rus": "ru",
    "srp": "sr",
    "tgk": "tj",
    "ukr": "ua",
}
"""ISO 639-3 → the package's name of the alphabet."""


class Cyrillic:
    """Cyrillic by the tables of cyrtranslit, one for each language: the Latin alphabet of Serbian
    (``ljubav``), a transliteration of Russian (``šhuka``).

    It raises :class:`KeyError` for a language without a table.
    """

    name = "cyrtranslit"

    def __init__(self) -> None:
        required_package("cyrtranslit", self.name)
        self.version = version("cyrtranslit")

    def __call__(self, text: str, language: str) -> str:
        import cyrtranslit

        return str(cyrtranslit.to_latin(text, CYRILLIC[language.partition("_")[0]]))


ISO_843 = dict(
    zip(
        "αβγδεζηικλμνοπρσςτυφω",
        [
            "a",
            "v",
            "g",
            "d",
            "e",
            "z",
            "ī",
            "i",
            "k",
            "l",
            "m",
            "n",
            "o",
            "p",
            "r",
            "s",
            "s",
            "t",
            "y",
            "f",
            "ō",
        ],
        strict=True,
    )
)
ISO_843 |= {"θ": "th", "ξ": "x", "χ": "ch", "ψ": "ps"}
TYPED_GREEK = {**ISO_843, "η": "i", "ω": "o", "β": "v", "υ": "y", "χ": "x", "ξ": "ks"}
"""Greeklish has no norm; these are the commonest spellings by sound."""
DIGRAPHS = {"αυ": "a", "ευ": "e", "ηυ": "ī"}
"""Vowels with υ → the first letter; the second is v or f, by the sound that follows."""
PAIRS = {"ου": "ou", "μπ": "b", "γγ": "ng", "γξ": "nx", "γχ": "nch"}
"""Other pairs of letters that are one sound."""
UNVOICED = "θκξπσςτφχψ"
"""Consonants before which the second letter of a digraph is f instead of v."""
_SOUND = re.compile("[αεη]υ(?!\0)|ου(?!\0)|γ[γξχ]|^μπ|(?<=\\W)μπ|.", re.IGNORECASE)
"""One letter, or two that are read together; μπ only at the start of a word."""


class Greek:
    """Greek by the transcription of ISO 843 (ELOT 743), or as Greeklish.

    >>> Greek("iso")("Ευχαριστώ, αύριο", "ell_Grek"), Greek("typed")("Ευχαριστώ", "ell_Grek")
    ('Efcharistō, avrio', 'Efxaristo')

    Args:
        spelling: ``iso`` or ``typed``.
    """

    version = "1"

    def __init__(self, spelling: str = "iso") -> None:
        self.spelling = spelling
        self.name = f"greek-{spelling}"
        self._letters = ISO_843 if spelling == "iso" else TYPED_GREEK

    def __call__(self, text: str, language: str) -> str:
        marked = unicodedata.normalize("NFD", text)
        # A diaeresis keeps two vowels apart. NUL stands for it until pairs of vowels are read.
        apart = re.sub("\u0301?\u0308\u0301?", "\0", marked)
        plain = re.sub("(?<=[\u0370-\u03ff\u1f00-\u1fff])[\u0300-\u036f]", "", apart)
        romanized = _SOUND.sub(self._romanize_sound, plain)
        return unicodedata.normalize("NFC", romanized.replace("\0", ""))

    def _romanize_sound(self, found: re.Match[str]) -> str:
        """One letter, or two that are read together, in the case of the original."""
        group = found[0]
        lower = group.lower()
        after = found.string[found.end() : found.end() + 1].lower()
        if lower in DIGRAPHS:
            unvoiced = not after or after in UNVOICED or not after.isalpha()
            vowel = DIGRAPHS[lower] if self.spelling == "iso" else self._letters[lower[0]]
            romanized = vowel + ("f" if unvoiced else "v")
        elif len(lower) == 2:
            romanized = PAIRS[lower]
        else:
            romanized = self._letters.get(lower, lower)
        if group == lower:
            return romanized
        if len(group) > 1 and group.isupper():
            return romanized.upper()
        return romanized[:1].upper() + romanized[1:]
