"""The Indic scripts, through indic-transliteration: ISO 15919, IAST, ITRANS, and the spelling that
people type, which drops the vowels that are not spoken.
"""

import re
import unicodedata
from importlib.metadata import version

from transliconet.romanizers.base import required_package

SCHEMES = {
    "Beng": "bengali",
    "Deva": "devanagari",
    "Gujr": "gujarati",
    "Guru": "gurmukhi",
    "Knda": "kannada",
    "Mlym": "malayalam",
    "Orya": "oriya",
    "Sinh": "sinhala",
    "Taml": "tamil",
    "Telu": "telugu",
}
"""ISO 15924 → the package's name of the script."""
BLOCKS = {
    0x09: ("devanagari", "bengali"),
    0x0A: ("gurmukhi", "gujarati"),
    0x0B: ("oriya", "tamil"),
    0x0C: ("telugu", "kannada"),
    0x0D: ("malayalam", "sinhala"),
}
"""High byte of a character → the scripts of the two halves of its 256 characters."""
DEVANAGARI_OFFSETS = {"bengali": 0x80, "tamil": 0x280}
"""Scripts that are read as Devanagari, whose letters stand at the same places of its block."""
TYPED = {"ś": "sh", "ṣ": "sh", "c": "ch", "ch": "chh", "ṁ": "n", "ṃ": "n", "ñ": "n", "ŋ": "n"}
TYPED |= {"r̥": "ri", "ē": "e", "ō": "o", "ā": "a", "ī": "i", "ū": "u", "’": "", "'": ""}
"""ISO 15919 → how people type it; other marks are left out."""
SCHWA_DROPPING = {
    "ben",
    "bho",
    "guj",
    "hin",
    "mag",
    "mai",
    "mar",
    "npi",
    "nep",
    "ori",
    "pan",
    "urd",
}
SCHWA_DROPPING |= {"asm", "ory", "awa", "hne"}
"""Languages that often don't pronounce a final or middle short a; Sanskrit and the Dravidian
languages do.
"""
_VOWEL = "aāiīuūeēoō"
_WORD = re.compile(r"[^\W\d_]+")


class Indic:
    """Text of the ten Indic scripts in one of four spellings; other text stays as it is.

    Args:
        spelling: ``iso`` (15919), ``iast``, ``itrans``, or ``typed``: ISO 15919 without marks, and
            without the short a that languages such as Hindi don't pronounce.
    """

    def __init__(self, spelling: str = "iso") -> None:
        required_package("indic_transliteration", f"indic-{spelling}")
        self.spelling = spelling
        self.name = f"indic-{spelling}"
        self.version = version("indic-transliteration")

    def __call__(self, text: str, language: str) -> str:
        drops = language.partition("_")[0] in SCHWA_DROPPING
        parts: list[str] = []
        for script, run in _runs(text):
            romanized = self._run(run, script)
            # Latin letters in the text stay as they are
            if script and self.spelling == "typed":
                romanized = _WORD.sub(lambda word: typed_spelling(word[0], drops), romanized)
            parts.append(romanized)
        return "".join(parts)

    def _run(self, text: str, script: str) -> str:
        """A part of the text that is in one script."""
        from indic_transliteration import sanscript

        if not script:
            return text
        scheme = "iso" if self.spelling == "typed" else self.spelling
        plain = unicodedata.normalize("NFC", text).translate({0x200C: None, 0x200D: None})
        if offset := DEVANAGARI_OFFSETS.get(script):
            # one letter there stands for several of the package's sounds, and it takes the last
            codes = [ord(character) for character in plain]
            moved = [chr(code - offset) if code > offset + 0x900 else chr(code) for code in codes]
            plain = "".join(moved)
        source = "devanagari" if offset else script
        romanized = str(sanscript.transliterate(plain, source, scheme))
        if script == "bengali" and self.spelling == "typed":
            return romanized.replace("ṁ", "ng")  # as it is spoken
        return romanized


def _runs(text: str) -> list[tuple[str, str]]:
    """(script, part) of the text, one after the other; an empty script for all others."""
    runs: list[tuple[str, str]] = []
    for character in text:
        script = _script_of(character)
        if character in " \u200c\u200d" and runs:
            script = runs[-1][0]
        if runs and runs[-1][0] == script:
            runs[-1] = (script, runs[-1][1] + character)
        else:
            runs.append((script, character))
    return runs


def _script_of(character: str) -> str:
    code = ord(character)
    halves = BLOCKS.get(code >> 8)
    return halves[(code >> 7) & 1] if halves else ""


def typed_spelling(word: str, drops_schwa: bool) -> str:
    """Respell a word of ISO 15919 as people type it.

    Args:
        word: one word.
        drops_schwa: whether its language leaves a final or middle short a unspoken.

    Returns:
        The word in ASCII letters.

    >>> typed_spelling("namastē", True), typed_spelling("bhārata", True)
    ('namaste', 'bharat')
    """
    if drops_schwa:
        word = without_silent_schwas(word)
    for iso in ("ch", "c"):
        word = re.sub(rf"{iso}(?!h)" if iso == "c" else iso, f"\0{TYPED[iso]}\0", word)
    word = word.replace("\0", "")
    for iso, typed in TYPED.items():
        if iso not in ("c", "ch"):
            word = word.replace(iso, typed)
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def without_silent_schwas(word: str) -> str:
    """Drop the short a that is not spoken.

    That is the one at the end, and, from right to left, each one that stands between a vowel with a
    consonant and a consonant with a vowel (Ohala, 1983): ``bhārata`` → ``bhārat``, ``samajhanā`` →
    ``samajhnā``.

    Args:
        word: one word of ISO 15919.

    Returns:
        The word without them.
    """
    sounds = re.findall(rf"[{_VOWEL}]̐?[ṁṃ̃]?|[^{_VOWEL}]h(?=[{_VOWEL}]|$)|.̥?", word)
    is_vowel = [sound[0] in _VOWEL for sound in sounds]
    ends_in_schwa = len(sounds) > 2 and sounds[-1] == "a" and not is_vowel[-2]
    if ends_in_schwa and is_vowel[-3]:  # after two consonants it is heard: mitra
        sounds, is_vowel = sounds[:-1], is_vowel[:-1]
    kept = list(sounds)
    place = len(sounds) - 3
    while place >= 2:
        around = is_vowel[place - 2 : place + 3] == [True, False, True, False, True]
        if sounds[place] == "a" and around:
            kept[place] = ""
            place -= 2  # its neighbour is heard
        place -= 1
    return "".join(kept)
