"""Spelling noise: people do not write uroman."""

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
    found = [
        sound for sound in found if not any(sound in longer for longer in found if longer != sound)
    ]  # sh, not h
    if not found:
        return word
    sound = found[int(rng.integers(len(found)))]
    i = word.lower().index(sound)
    return word[:i] + DIGITS[sound] + word[i + len(sound) :]


HABITS = (drop_vowel, double_letter, digit_for_letter)


def add_spelling_noise(word: str, rng: np.random.Generator) -> str:
    """The word after one habit, chosen at random; never empty, never two words."""
    return HABITS[int(rng.integers(len(HABITS)))](word, rng)


Word = TypeVar("Word")


@dataclass(frozen=True)
class Augment:
    """What is done to romanized text: in training anew each time a pair is seen, in the probe once.

    Args:
        word_error_rate: share of romanized words that get one spelling habit
            (:mod:`transliconet.tokens.noise`).
        mixed: share of pairs of which only a random share of the words (uniform from 0 to 1, but
            one at least) is romanized, where both views have as many words.

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

    def rewrite(
        self,
        words: Sequence[Word],
        own: Sequence[Word],
        habit: Callable[[Word], Word],
        rng: np.random.Generator,
    ) -> list[Word]:
        """Romanized words, some of them after ``habit``, some of them put back into their own
        script.
        """
        if self.word_error_rate:
            words = [habit(w) if rng.random() < self.word_error_rate else w for w in words]
        if rng.random() < self.mixed and len(own) == len(words):
            romanized = rng.random(len(words)) < rng.random()
            romanized[rng.integers(len(words))] = True  # or it would be the native text
            words = [w if stays else o for w, o, stays in zip(words, own, romanized, strict=True)]
        return list(words)


def noisy_romanization(
    native: str, romanized: str, augment: Augment, rng: np.random.Generator
) -> str:
    """A romanized text as people might write it; words are what spaces part.

    >>> augment = Augment(word_error_rate=1)
    >>> noisy_romanization("Москва и Киев", "Moskva i Kiev", augment, np.random.default_rng(3))
    'Mskva i Kiiev'
    """
    return " ".join(
        augment.rewrite(
            romanized.split(), native.split(), lambda word: add_spelling_noise(word, rng), rng
        )
    )
