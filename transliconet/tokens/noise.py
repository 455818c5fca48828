"""Noisy romanization: people do not spell as a romanizer does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from transliconet.errors import require_range

VOWELS = "aeiou"

DIGITS = {"kh": "5", "gh": "8", "ch": "4", "sh": "6", "h": "7", "q": "9", "'": "3", "`": "3"}
"""Digits that chat users write for sounds the Latin alphabet lacks: Arabic chat alphabet, and 4 and
6 in Cyrillic's.
"""


def drop_vowel(word: str, rng: np.random.Generator) -> str:
    """Drop one vowel, but not the first letter.

    >>> drop_vowel("kitab", np.random.default_rng(0)) in ("ktab", "kitb")
    True
    """
    places = [i for i, letter in enumerate(word) if i and letter.lower() in VOWELS]
    if not places or len(word) <= 2:
        return word
    i = int(rng.choice(places))
    return word[:i] + word[i + 1 :]


def double_letter(word: str, rng: np.random.Generator) -> str:
    """Write one letter twice.

    >>> double_letter("do", np.random.default_rng(0)) in ("ddo", "doo")
    True
    """
    places = [i for i, letter in enumerate(word) if letter.isalpha()]
    if not places:
        return word
    i = int(rng.choice(places))
    return word[: i + 1] + word[i].lower() + word[i + 1 :]


def digit_for_letter(word: str, rng: np.random.Generator) -> str:
    """Write a digit of :data:`DIGITS` for one sound.

    >>> digit_for_letter("shukran", np.random.default_rng(0))
    '6ukran'
    """
    sounds = [sound for sound in DIGITS if sound in word.lower()]
    # where the word has sh, its h is no sound of its own
    longest = [s for s in sounds if not _is_part_of_another(s, sounds)]
    if not longest:
        return word
    sound = longest[int(rng.integers(len(longest)))]
    i = word.lower().index(sound)
    return word[:i] + DIGITS[sound] + word[i + len(sound) :]


def _is_part_of_another(sound: str, sounds: Sequence[str]) -> bool:
    return any(sound in other and sound != other for other in sounds)


HABITS = (drop_vowel, double_letter, digit_for_letter)


def add_spelling_noise(word: str, rng: np.random.Generator) -> str:
    """Apply one habit, chosen at random. The word never becomes empty or two words."""
    return HABITS[int(rng.integers(len(HABITS)))](word, rng)


Word = TypeVar("Word")


@dataclass(frozen=True)
class Augment:
    """How romanized text is varied: in training anew each time a pair is seen, in the probe once.

    Args:
        word_error_rate: share of romanized words that get one spelling habit
            (:mod:`transliconet.tokens.noise`).
        mixed: share of pairs with text in two scripts: each word stays romanized with a probability
            that is drawn for the pair, uniform from 0 to 1, and one word does in any case. Pairs
            whose views have different numbers of words stay as they are.

    Raises:
        ConfigError: a share outside 0 to 1.
    """

    word_error_rate: float = 0.0
    mixed: float = 0.0

    def __post_init__(self) -> None:
        for name in ("word_error_rate", "mixed"):
            require_range(name, getattr(self, name), least=0, most=1)

    def __bool__(self) -> bool:
        return self.word_error_rate > 0 or self.mixed > 0

    def apply(
        self,
        native: Sequence[Word],
        romanized: Sequence[Word],
        respell: Callable[[Word], Word],
        rng: np.random.Generator,
    ) -> list[Word]:
        """Romanized words, some of them respelled, some of them back in their own script.

        Args:
            native, romanized: the words of both views, as strings or as token ids.
            respell: gives a word another spelling.
            rng: source of randomness.
        """
        words = list(romanized)
        if self.word_error_rate:
            for i, word in enumerate(words):
                if rng.random() < self.word_error_rate:
                    words[i] = respell(word)
        if rng.random() < self.mixed and len(native) == len(words):
            stays_romanized = rng.random(len(words)) < rng.random()
            stays_romanized[rng.integers(len(words))] = True  # or it would be the native text
            for i in np.flatnonzero(~stays_romanized).tolist():
                words[i] = native[i]
        return words


def noisy_romanization(
    native: str, romanized: str, augment: Augment, rng: np.random.Generator
) -> str:
    """A romanized text as people might write it; words are what spaces separate.

    >>> augment, rng = Augment(word_error_rate=1), np.random.default_rng(3)
    >>> noisy_romanization("Москва и Киев", "Moskva i Kiev", augment, rng)
    'Mskva i Kiiev'
    """
    words = augment.apply(
        native.split(), romanized.split(), lambda word: add_spelling_noise(word, rng), rng
    )
    return " ".join(words)
