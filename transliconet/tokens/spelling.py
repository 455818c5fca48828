"""How people spell their language in Latin letters, as rules by script.

A romanizer writes each sound one way. People do not. They write the vowels that an abjad leaves
out, and digits for sounds that the Latin alphabet lacks (Arabizi: Darwish 2014, "Arabizi Detection
and Conversion to Arabic"). They write Greek by sound or by shape (Greeklish: Chalamandaris et al.
2006, "All Greek to me!"), Hindi without its silent final *a*, and *sh* or *s*, *oo* or *u*, *w* or
*v* as they like. The rules are hand-written from such descriptions; their rates were not fitted to
any text.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

Choice = TypeVar("Choice")

VOWELS = "aeiou"
DIGRAPHS = {"ch", "dh", "gh", "kh", "sh", "th"}
"""Two letters that are one consonant: no vowel is written within them."""

Substitutions = Mapping[str, tuple[float, str]]
"""What a romanizer writes → how often people write something else, and what; ``-``: nothing."""


@dataclass(frozen=True)
class SpellingRules:
    """The habits of the writers of a script.

    Args:
        substitutions: applied from left to right, the longest match first.
        inserted_vowels: how often a vowel is written between two consonants.
        dropped_final_a: how often a final *a* is left out.
    """

    substitutions: Substitutions
    inserted_vowels: float = 0.0
    dropped_final_a: float = 0.0

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches one sound: a key of the substitutions, or any character."""
        longest_first = sorted(self.substitutions, key=len, reverse=True)
        return re.compile("|".join([*map(re.escape, longest_first), "."]), re.DOTALL)

    @cached_property
    def alternatives(self) -> dict[str, list[str]]:
        """Key → what people write for it."""
        return {
            sound: choices.replace("-", "").split(" ")
            for sound, (_, choices) in self.substitutions.items()
        }


# Rates are those of an average writer, see Writer.strength.
ABJAD = SpellingRules(
    {
        "kh": (0.5, "5 x k"), "gh": (0.4, "8 r g"), "sh": (0.5, "ch 4 s"), "th": (0.35, "t s 8"),
        "dh": (0.4, "d z th"), "q": (0.6, "9 k g"), "'": (0.7, "3 - a 2 e"), "`": (0.7, "3 - a"),
        "w": (0.55, "ou o u oo"), "y": (0.6, "i ee e ai"), "j": (0.3, "dj g"), "h": (0.3, "7 h -"),
        "a": (0.35, "e aa i"), "v": (0.3, "w o"), "u": (0.35, "ou o"), "i": (0.3, "e y ee"),
        "d": (0.08, "th"), "t": (0.08, "6"), "s": (0.08, "9 ss"),
    },
    inserted_vowels=0.55,
)  # fmt: skip
ABUGIDA = SpellingRules(
    {
        "aa": (0.6, "a"), "ii": (0.6, "i ee"), "uu": (0.6, "u oo"), "chh": (0.4, "ch 6"),
        "bh": (0.25, "b v"), "dh": (0.2, "d"), "gh": (0.2, "g"), "kh": (0.15, "k q"),
        "ph": (0.5, "f"), "th": (0.25, "t"), "sh": (0.3, "s"), "v": (0.35, "w b"), "w": (0.4, "v"),
        "z": (0.3, "j"), "j": (0.12, "z g"), "y": (0.15, "j i"), "ai": (0.35, "e ei ay"),
        "au": (0.35, "o ou aw"), "a": (0.18, "o e -"), "e": (0.1, "a ey"), "i": (0.2, "ee e"),
        "u": (0.25, "oo o"), "m": (0.06, "n"), "n": (0.04, "m"), "k": (0.06, "c q"),
        "s": (0.15, "sh"), "f": (0.3, "ph"), "q": (0.6, "k"), "r": (0.04, "d"),
    },
    dropped_final_a=0.35,
)  # fmt: skip
GREEK = SpellingRules(
    {
        "th": (0.5, "8 9 t"), "ch": (0.75, "x h"), "kh": (0.75, "x h ch"), "ps": (0.3, "4 ps"),
        "ks": (0.5, "3 x"), "x": (0.4, "ks 3"), "ou": (0.35, "u"), "ph": (0.7, "f"),
        "f": (0.1, "ph"), "v": (0.3, "b"), "b": (0.3, "v"), "o": (0.25, "w"),
        "i": (0.25, "h y ei n"), "e": (0.15, "ai"), "ai": (0.3, "e"), "y": (0.5, "u i"),
        "u": (0.3, "y"), "g": (0.2, "y gh"), "d": (0.1, "dh"), "mp": (0.3, "b"), "nt": (0.3, "d"),
        "n": (0.08, "v"), "r": (0.03, "p"),
    }
)  # fmt: skip
CYRILLIC = SpellingRules(
    {
        "shch": (0.5, "sch shh w"), "zh": (0.4, "j z g"), "kh": (0.6, "h x"), "ts": (0.4, "c tz"),
        "ch": (0.35, "4 c"), "sh": (0.3, "6 w s"), "ya": (0.4, "ia ja a"), "yu": (0.4, "iu ju u"),
        "y": (0.4, "i j -"), "'": (0.9, "- j"), "e": (0.15, "ye je"), "i": (0.2, "y j"),
        "v": (0.1, "w"), "g": (0.1, "h"), "k": (0.05, "c"), "o": (0.08, "a"),
    }
)  # fmt: skip
OTHER = SpellingRules(
    {
        "ph": (0.4, "p f"), "th": (0.4, "t"), "kh": (0.4, "k g"), "ch": (0.3, "j c"),
        "j": (0.25, "ch z dj"), "sh": (0.3, "s x"), "ts": (0.3, "c tz"), "r": (0.15, "l"),
        "l": (0.08, "r"), "w": (0.3, "v u"), "v": (0.3, "w b"), "y": (0.25, "i j"),
        "k": (0.2, "c q g"), "q": (0.5, "k"), "x": (0.3, "kh h"), "'": (0.8, "-"), "aa": (0.5, "a"),
        "ee": (0.4, "e i"), "oo": (0.4, "o u"), "ii": (0.5, "i ee"), "uu": (0.5, "u oo"),
        "ae": (0.5, "a e"), "eo": (0.4, "o u"), "eu": (0.4, "u e"), "a": (0.1, "o e"),
        "e": (0.12, "i a"), "o": (0.12, "u oa"), "u": (0.2, "o oo"), "i": (0.15, "ee y"),
        "g": (0.15, "k"), "d": (0.1, "t"), "b": (0.12, "p"), "p": (0.08, "ph b"),
        "t": (0.08, "th d"),
    }
)  # fmt: skip

RULES: dict[str, SpellingRules] = {
    **dict.fromkeys(("Arab", "Hebr", "Syrc", "Thaa"), ABJAD),
    **dict.fromkeys(
        ("Deva", "Beng", "Gujr", "Guru", "Orya", "Taml", "Telu", "Knda", "Mlym", "Sinh"), ABUGIDA
    ),
    "Grek": GREEK,
    "Cyrl": CYRILLIC,
}
"""Script (ISO 15924) → its rules; :data:`OTHER` for all others."""

INSERTED_VOWELS = "aaaaeeeiiou"
"""An inserted vowel is one of these letters; *a* is the most frequent."""
DOUBLED, UNDOUBLED, DROPPED = 0.06, 0.08, 0.06
"""How often one letter is doubled, a double letter is written once, or a vowel is left out."""
STRENGTHS = (0.3, 1.6)
"""From a careful writer to a careless one."""
LOWERCASED = 0.6
"""Share of words of which the capitals are dropped."""


@dataclass(frozen=True)
class Writer:
    """Somebody who types a language in Latin letters.

    Args:
        rules: of the script that the language is otherwise written in.
        strength: multiplies the rates of the rules.
    """

    rules: SpellingRules
    strength: float = 1.0

    @classmethod
    def from_script(cls, script: str | None, rng: np.random.Generator) -> "Writer":
        """Draw a writer, from careful to careless.

        Args:
            script: ISO 15924 code of the language's own script; None: unknown.
            rng: source of randomness.

        Returns:
            A writer with the rules of that script.
        """
        return cls(RULES.get(script or "", OTHER), float(rng.uniform(*STRENGTHS)))

    def spell(self, word: str, rng: np.random.Generator) -> str:
        """Spell a romanized word as this writer might type it.

        Args:
            word: one word.
            rng: source of randomness.

        Returns:
            A word; never empty, never two words.

        >>> rng = np.random.default_rng(1)
        >>> [Writer(ABJAD).spell("shkran", rng) for _ in range(3)]
        ['4kuran', 'shkaaraan', 'shkeran']
        """
        typed = word.lower() if rng.random() < LOWERCASED else word
        if self.rules.inserted_vowels:
            typed = self._insert_vowels(typed, rng)
        if (
            len(typed) > 3
            and typed.endswith("a")
            and self._happens(self.rules.dropped_final_a, rng)
        ):
            typed = typed[:-1]
        typed = self._substitute(typed, rng)
        typed = self._slip(typed, rng)
        return typed if typed.strip() and not re.search(r"\s", typed) else word

    def _happens(self, rate: float, rng: np.random.Generator) -> bool:
        return bool(rng.random() < rate * self.strength)

    def _insert_vowels(self, word: str, rng: np.random.Generator) -> str:
        letters = []
        for letter, following in zip(word, word[1:] + " ", strict=True):
            letters.append(letter)
            if _is_cluster(letter, following) and self._happens(self.rules.inserted_vowels, rng):
                letters.append(_choose(INSERTED_VOWELS, rng))
        return "".join(letters)

    def _substitute(self, word: str, rng: np.random.Generator) -> str:
        sounds = []
        for match in self.rules.pattern.finditer(word):
            sound = match[0].lower()
            rate, _ = self.rules.substitutions.get(sound, (0.0, ""))
            if rate and self._happens(rate, rng):
                sounds.append(_choose(self.rules.alternatives[sound], rng))
            else:
                sounds.append(match[0])
        return "".join(sounds)

    def _slip(self, word: str, rng: np.random.Generator) -> str:
        """At most one letter doubled, written once, or left out. Digits stay."""
        chance = rng.random() / self.strength
        if chance < DOUBLED:
            letters = [place for place, letter in enumerate(word) if letter.isalpha()]
            place = _choose(letters, rng) if letters else 0
            doubled = word[place].lower() if letters else ""
            return word[: place + 1] + doubled + word[place + 1 :]
        if chance < DOUBLED + UNDOUBLED:
            return re.sub(r"([^\W\d_])\1", r"\1", word, count=1)
        vowels = [place for place, letter in enumerate(word) if place and letter in VOWELS]
        if chance < DOUBLED + UNDOUBLED + DROPPED and len(word) > 3 and vowels:
            place = _choose(vowels, rng)
            return word[:place] + word[place + 1 :]
        return word


def _choose(choices: Sequence[Choice], rng: np.random.Generator) -> Choice:
    # Generator.choice takes ten times as long
    return choices[int(rng.random() * len(choices))]


def _is_cluster(letter: str, following: str) -> bool:
    """Whether an abjad may have left out a vowel between two letters."""
    pair = (letter + following).lower()
    consonants = pair.isalpha() and not set(pair) & set(VOWELS)
    # w and y are vowels as often as not
    return consonants and pair not in DIGRAPHS and following not in "wy"
