"""How people spell their language in Latin letters, as rules by script.

A romanizer writes each sound one way. People do not. They write the vowels that an abjad leaves
out, and digits for sounds that the Latin alphabet lacks (Arabizi: Darwish 2014, "Arabizi Detection
and Conversion to Arabic"). They write Greek by sound or by shape (Greeklish: Chalamandaris et al.
2006, "All Greek to me!"), Hindi without its silent *a*, Bengali with *o* for it, and *sh* or *s*,
*oo* or *u*, *w* or *v* as they like. The rules are hand-written from such descriptions and from
what uroman writes; their rates were not fitted to any text.
"""

import re
from dataclasses import dataclass

import numpy as np

from transliconet.tokens.spelling_rules import rules_for
from transliconet.tokens.substitutions import SpellingRules, choose

VOWELS = "aeiou"
DIGRAPHS = {"ch", "dh", "gh", "kh", "sh", "th", "zh", "ts"}
"""Two letters that are one consonant: no vowel is written within them."""
ARTICLE = re.compile(r"^([wfbk]?|[wf][bk])(al|ll)(?=[^\Waeiou_\d][^\W_\d])", re.IGNORECASE)
"""The Arabic article as uroman writes it, and the particles before it."""
SUN_LETTERS = ("th", "dh", "sh", "t", "d", "r", "z", "s", "n")
"""Consonants that the *l* of the article becomes like."""
PARTICLES = {"w": "wa we w ou", "f": "fa f fe", "b": "bi b be", "k": "ka k", "": ""}

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
        strength: multiplies the rates of the habits.
    """

    rules: SpellingRules
    strength: float = 1.0

    @classmethod
    def from_native(cls, text: str, rng: np.random.Generator) -> "Writer":
        """Draw a writer, from careful to careless, for a text in its own script.

        Args:
            text: in native script; its main script decides the rules.
            rng: source of randomness.

        Returns:
            A writer with the rules of that script.
        """
        return cls(rules_for(text), float(rng.uniform(*STRENGTHS)))

    def spell(self, word: str, rng: np.random.Generator) -> str:
        """Spell a romanized word as this writer might type it.

        Args:
            word: one word.
            rng: source of randomness.

        Returns:
            A word, or an Arabic article and a word; never empty.

        >>> rng = np.random.default_rng(1)
        >>> from transliconet.tokens.spelling_rules import ARABIC
        >>> [Writer(ARABIC).spell("alshkr", rng) for _ in range(3)]
        ['is-shikar', 'as shekor', 'as-shekr']
        """
        typed = word.lower() if rng.random() < LOWERCASED else word
        article = ""
        if self.rules.has_article:
            article, typed = self._article(typed, rng)
        typed = self.rules.conventions.apply(typed, 1.0, rng)
        if typed and self.rules.inserted_vowels:
            typed = self._insert_vowels(typed, rng)
        typed = self.rules.habits.apply(typed, self.strength, rng)
        typed = article + self._slip(typed, rng)
        return typed if typed.strip() else word

    def _happens(self, rate: float, rng: np.random.Generator) -> bool:
        return bool(rng.random() < rate * self.strength)

    def _article(self, word: str, rng: np.random.Generator) -> tuple[str, str]:
        """Split off the article: what is written for it, and the rest of the word."""
        match = ARTICLE.match(word)
        if match is None:
            return "", word
        particles, article = match[1].lower(), match[2]
        noun = word[match.end() :]
        written = "".join(choose(PARTICLES[letter].split(" "), rng) for letter in particles)
        if article == "ll":  # li + al
            return choose(["lil", "lil ", "lel", "lel ", "lil-"], rng), noun
        sun = next((letters for letters in SUN_LETTERS if noun.startswith(letters)), "")
        vowel = "" if written[-1:] in VOWELS and written else choose("aaaeei", rng)
        consonant = sun[:1] if sun and rng.random() < 0.4 else "l"
        # written joined, apart, or with a hyphen
        return written + vowel + consonant + choose(["", " ", " ", "-"], rng), noun

    def _insert_vowels(self, word: str, rng: np.random.Generator) -> str:
        letters = []
        for letter, following in zip(word, word[1:] + " ", strict=True):
            letters.append(letter)
            if not _is_cluster(letter, following):
                continue
            if rng.random() < self.rules.inserted_vowels:
                if self._happens(self.rules.doubled, rng):
                    letters.append(letter)
                letters.append(choose(self.rules.vowels, rng))
        return "".join(letters)

    def _slip(self, word: str, rng: np.random.Generator) -> str:
        """At most one letter doubled, written once, or left out. Digits stay."""
        chance = rng.random() / self.strength
        if chance < DOUBLED:
            letters = [place for place, letter in enumerate(word) if letter.isalpha()]
            place = choose(letters, rng) if letters else 0
            doubled = word[place].lower() if letters else ""
            return word[: place + 1] + doubled + word[place + 1 :]
        if chance < DOUBLED + UNDOUBLED:
            return re.sub(r"([^\W\d_])\1", r"\1", word, count=1)
        vowels = [place for place, letter in enumerate(word) if place and letter in VOWELS]
        if chance < DOUBLED + UNDOUBLED + DROPPED and len(word) > 3 and vowels:
            place = choose(vowels, rng)
            return word[:place] + word[place + 1 :]
        return word


def _is_cluster(letter: str, following: str) -> bool:
    """Whether a script without vowels may have left out one between two letters."""
    pair = (letter + following).lower()
    consonants = pair.isalpha() and not set(pair) & set(VOWELS)
    # w and y are vowels as often as not
    return consonants and pair not in DIGRAPHS and following not in "wy"
