"""Arabic script letter by letter: Buckwalter, and the chat alphabet that people type."""

import re
import unicodedata

BUCKWALTER = dict(
    zip(
        "ءآأؤإئابةتثجحخدذرزسشصضطظعغـفقكلمنهوىيًٌٍَُِّْٰٱپچڤگ",
        "'|>&<}AbptvjHxd*rzs$SDTZEg_fqklmnhwYyFNKaui~o`{PJVG",
        strict=True,
    )
)
"""Buckwalter's table, one character for each; no two letters share one."""
TYPED = {
    **{"آ": "a", "أ": "a", "إ": "i", "ٱ": "a", "ا": "a", "ى": "a", "ة": "a"},
    **{"ء": "2", "ؤ": "2", "ئ": "2", "ح": "7", "ع": "3", "خ": "kh", "غ": "gh", "ش": "sh"},
    **{"ب": "b", "ت": "t", "ث": "th", "ج": "j", "د": "d", "ذ": "dh", "ر": "r", "ز": "z"},
    **{"س": "s", "ص": "s", "ض": "d", "ط": "t", "ظ": "dh", "ف": "f", "ق": "q", "ك": "k"},
    **{"ل": "l", "م": "m", "ن": "n", "ه": "h", "پ": "p", "چ": "ch", "ڤ": "v", "گ": "g"},
    **{"ک": "k", "ژ": "zh", "ہ": "h", "ھ": "h", "ے": "e", "ں": "n", "ٹ": "t", "ڈ": "d", "ڑ": "r"},
    **{"َ": "a", "ُ": "u", "ِ": "i", "ً": "an", "ٌ": "un", "ٍ": "in", "ْ": "", "ـ": "", "ٰ": "a"},
    **{"،": ",", "؛": ";", "؟": "?", "٪": "%"},
}
"""Letters with a sound that Latin lacks become the digits that look like them."""
MAGHREB = {"خ": "5", "ش": "ch", "ق": "9", "ض": "dh"}
"""As people type in Morocco, Algeria and Tunisia, where French is read."""
MAGHREBI = {"aeb", "aao", "arq", "ary"}
GLIDES = {"و": ("w", "ou"), "ي": ("y", "i"), "ی": ("y", "i")}
"""Letter → as a consonant, and as a long vowel."""
_VOWELS = "اآأإىوييَُِةٱ"
_SHADDA = "\u0651"
_DOUBLED = re.compile("([\u064b-\u0650])(\u0651)")
_TANWIN = re.compile("\u0627\u064b|\u064b\u0627")  # the alif beside it is silent
_PLURAL = re.compile("(?<=[\u0621-\u064a])\u0648\u0627(?![\u0621-\u0652])")
"""The ending of verbs; its alif is silent."""
_WORD_BEGINS = re.compile("(?<![\u0621-\u0652])(?:\u0627\u0644)?$")
"""The place where a word begins, or after its article."""


class Arabic:
    """Arabic script without a dictionary: vowels that are not written are not added.

    >>> Arabic("buckwalter")("كتاب", "arb_Arab"), Arabic("typed")("صحيح", "aeb_Arab")
    ('ktAb', 's7i7')

    Args:
        spelling: ``buckwalter`` or ``typed``.
    """

    version = "1"

    def __init__(self, spelling: str) -> None:
        self.spelling = spelling
        self.name = f"arabic-{spelling}"

    def __call__(self, text: str, language: str) -> str:
        # NFC puts the doubling after the vowel; it belongs to the consonant before it
        plain = _DOUBLED.sub(r"\2\1", unicodedata.normalize("NFC", text))
        if self.spelling == "buckwalter":
            return "".join(BUCKWALTER.get(character, character) for character in plain)
        maghrebi = language.partition("_")[0] in MAGHREBI
        letters = {**TYPED, **MAGHREB} if maghrebi else TYPED
        plain = _PLURAL.sub("\u0648", _TANWIN.sub("\u064b", plain))
        typed: list[str] = []
        for place, character in enumerate(plain):
            if character == _SHADDA and typed:
                # a doubled consonant; digits and digraphs are not doubled by those who type them
                typed.append(typed[-1] if len(typed[-1]) == 1 and typed[-1].isalpha() else "")
            elif character in GLIDES:
                consonant, vowel = GLIDES[character]
                before, after = plain[max(0, place - 3) : place], plain[place + 1 : place + 2]
                typed.append(consonant if _is_consonant(before, after) else vowel)
            else:
                typed.append(letters.get(character, _digit(character)))
        return "".join(typed)


def _is_consonant(before: str, after: str) -> bool:
    """Whether a letter that stands for a glide or a long vowel is a glide between these two: at the
    beginning of a word, and beside a vowel.
    """
    beside_vowel = before[-1:] in _VOWELS or (bool(after) and after in _VOWELS + _SHADDA)
    return beside_vowel or _WORD_BEGINS.search(before) is not None


def _digit(character: str) -> str:
    """Arabic-Indic digits in ASCII; any other character as it is."""
    value = unicodedata.decimal(character, None)
    return character if value is None else str(value)
