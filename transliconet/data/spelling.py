"""Spelling noise: people do not write uroman."""

import numpy as np

VOWELS = "aeiou"

DIGITS = {"kh": "5", "gh": "8", "ch": "4", "sh": "6", "h": "7", "q": "9", "'": "3", "`": "3"}
"""Digits that chat users write for sounds the Latin alphabet lacks: Arabic chat alphabet, and 4 and 6 in Cyrillic's."""


def drop_vowel(word: str, rng: np.random.Generator) -> str:
    """Without one vowel, the first letter excepted.

    >>> drop_vowel("kitab", np.random.default_rng(0)) in ("ktab", "kitb")
    True
    """
    places = [i for i, letter in enumerate(word) if i and letter.lower() in VOWELS]
    if not places or len(word) <= 2:
        return word
    i = int(rng.choice(places))
    return word[:i] + word[i + 1 :]


def double_letter(word: str, rng: np.random.Generator) -> str:
    """With one letter written twice.

    >>> double_letter("do", np.random.default_rng(0)) in ("ddo", "doo")
    True
    """
    places = [i for i, letter in enumerate(word) if letter.isalpha()]
    if not places:
        return word
    i = int(rng.choice(places))
    return word[: i + 1] + word[i].lower() + word[i + 1 :]


def digit_for_letter(word: str, rng: np.random.Generator) -> str:
    """With a digit of :data:`DIGITS` for one sound.

    >>> digit_for_letter("shukran", np.random.default_rng(0))
    '6ukran'
    """
    found = [sound for sound in DIGITS if sound in word.lower()]
    found = [sound for sound in found if not any(sound in longer for longer in found if longer != sound)]  # sh, not h
    if not found:
        return word
    sound = found[int(rng.integers(len(found)))]
    i = word.lower().index(sound)
    return word[:i] + DIGITS[sound] + word[i + len(sound) :]


HABITS = (drop_vowel, double_letter, digit_for_letter)


def misspell(word: str, rng: np.random.Generator) -> str:
    """The word after one habit, chosen at random; never empty, never two words."""
    return HABITS[int(rng.integers(len(HABITS)))](word, rng)
