"""Substitutions of sounds: what a set of spelling rules is made of."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

Choice = TypeVar("Choice")


def choose(choices: Sequence[Choice], rng: np.random.Generator) -> Choice:
    """One of ``choices``, each as likely; Generator.choice takes ten times as long."""
    return choices[int(rng.random() * len(choices))]


class Substitutions:
    """What people write instead of what a romanizer writes.

    Args:
        table: regular expression of a sound → how often people write something else, and what;
            ``-`` stands for nothing. At each place of a word the first expression that matches is
            taken; expressions may look at the letters around it, but not contain groups.

    >>> silent = Substitutions({"(?<=t)a$": (1.0, "-"), "v": (1.0, "w")})
    >>> silent.apply("vasta", 1.0, np.random.default_rng(0))
    'wast'
    """

    def __init__(self, table: Mapping[str, tuple[float, str]]) -> None:
        sounds = [f"({sound})" for sound in table]
        self._pattern = re.compile("|".join([*sounds, "."]), re.DOTALL | re.IGNORECASE)
        self._rates = [rate for rate, _ in table.values()]
        self._choices = [written.replace("-", "").split(" ") for _, written in table.values()]

    def apply(self, word: str, strength: float, rng: np.random.Generator) -> str:
        """Write each sound of ``word`` anew, with the rates times ``strength``."""
        written = []
        for match in self._pattern.finditer(word):
            sound = match[0]
            if match.lastindex:
                rule = match.lastindex - 1
                if rng.random() < self._rates[rule] * strength:
                    sound = _in_case_of(sound, choose(self._choices[rule], rng))
            written.append(sound)
        return "".join(written)


@dataclass(frozen=True)
class SpellingRules:
    """The habits of the writers of a script.

    Args:
        conventions: what nearly everybody writes instead of the romanizer's spelling.
        habits: what some write, careless writers more often.
        inserted_vowels: how often a vowel is written between two consonants.
        vowels: those that are inserted; a letter that is more frequent is there several times.
        doubled: how often a consonant between vowels is doubled.
        has_article: whether words may begin with the Arabic article, which is written apart, with a
            hyphen, or like the consonant that follows it.
    """

    conventions: Substitutions = field(default_factory=lambda: Substitutions({}))
    habits: Substitutions = field(default_factory=lambda: Substitutions({}))
    inserted_vowels: float = 0.0
    vowels: str = "aaaaaeeeeiou"
    doubled: float = 0.0
    has_article: bool = False


def _in_case_of(sound: str, written: str) -> str:
    """``written`` with a capital where ``sound`` begins with one."""
    return written[:1].upper() + written[1:] if sound[:1].isupper() else written
