"""Korean: the Revised Romanization of 2000, from the letters of the syllables.

No maintained library with a permissive licence does this, and the rules are few: a syllable is an
initial, a vowel and perhaps a final; what meets between two syllables decides how both are spelled.
"""

INITIALS = [
    "g",
    "kk",
    "n",
    "d",
    "tt",
    "r",
    "m",
    "b",
    "pp",
    "s",
    "ss",
    "-",
    "j",
    "jj",
    "ch",
    "k",
    "t",
    "p",
    "h",
]
"""Romanizations of the 19 initials in Unicode's order; ``-`` is the silent ㅇ."""
VOWELS = [
    "a",
    "ae",
    "ya",
    "yae",
    "eo",
    "e",
    "yeo",
    "ye",
    "o",
    "wa",
    "wae",
    "oe",
    "yo",
    "u",
    "wo",
    "we",
    "wi",
    "yu",
    "eu",
    "ui",
    "i",
]
FINALS = [
    "-",
    "k",
    "k",
    "kt",
    "n",
    "nt",
    "nh",
    "t",
    "l",
    "lk",
    "lm",
    "lp",
    "lt",
    "lt",
    "lp",
    "lh",
    "m",
    "p",
    "pt",
    "t",
    "t",
    "ng",
    "t",
    "t",
    "k",
    "t",
    "p",
    "h",
]
"""Final sounds: what is heard at the end of a word, in the first letter."""
CARRIED = [
    "-",
    "g",
    "kk",
    "gs",
    "n",
    "nj",
    "n",
    "d",
    "r",
    "lg",
    "lm",
    "lb",
    "ls",
    "lt",
    "lp",
    "r",
    "m",
    "b",
    "bs",
    "s",
    "ss",
    "ng",
    "j",
    "ch",
    "k",
    "t",
    "p",
    "-",
]
"""What a final becomes where the next syllable starts with a vowel."""
SIMPLE = {"kt": "k", "nt": "n", "nh": "n", "lk": "k", "lm": "m", "lp": "l", "lt": "l", "lh": "l"}
SIMPLE |= {"pt": "p", "h": "t"}
"""Final clusters and ㅎ → the one sound that is heard."""
NASAL = {"k": "ng", "t": "n", "p": "m"}
"""Stops before ㄴ and ㅁ."""
ASPIRATED = {"g": "k", "d": "t", "j": "ch"}
"""Initials after a final ㅎ."""
FIRST, LAST = 0xAC00, 0xD7A3


class KoreanRevised:
    """The Revised Romanization of Hangul, with its sound changes between syllables.

    Changes inside compounds that only a dictionary knows (꽃잎) are not made. Text of other scripts
    stays as it is.

    >>> KoreanRevised()("한국말 독립문 신라", "kor_Hang")
    'hangungmal dongnimmun silla'
    """

    name = "korean-revised"
    version = "1"

    def __call__(self, text: str, language: str) -> str:
        romanized: list[str] = []
        final = 0  # of the syllable before, not yet written
        for character in text:
            code = ord(character)
            if not FIRST <= code <= LAST:
                romanized += [_last_sound(final), character]
                final = 0
                continue
            syllable, next_final = divmod(code - FIRST, 28)
            initial, vowel = divmod(syllable, 21)
            romanized += [_between(final, INITIALS[initial]), VOWELS[vowel]]
            final = next_final
        return "".join([*romanized, _last_sound(final)])


def _last_sound(final: int) -> str:
    sound = FINALS[final]
    return SIMPLE.get(sound, sound).strip("-")


def _between(final: int, initial: str) -> str:
    """A final and the next initial, as they sound together."""
    if final == 0:
        return initial.strip("-")
    if initial == "-":
        return CARRIED[final].strip("-")
    sound = FINALS[final]
    if sound in ("h", "nh", "lh") and initial in ASPIRATED:
        return sound.removesuffix("h") + ASPIRATED[initial]
    sound = SIMPLE.get(sound, sound)
    if initial in ("n", "m") and sound in NASAL:
        return NASAL[sound] + initial
    if initial == "r":
        if sound in NASAL:
            return NASAL[sound] + "n"
        return {"n": "ll", "l": "ll"}.get(sound, f"{sound}n")
    if sound == "l" and initial == "n":
        return "ll"
    return sound + initial
