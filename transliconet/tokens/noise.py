"""Noisy romanization: text as people type it, and text in two scripts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from transliconet.errors import require_range
from transliconet.tokens.spelling import Writer

Word = TypeVar("Word")


@dataclass(frozen=True)
class Augment:
    """How romanized text is varied: in training anew each time a pair is seen, in the probe once.

    Args:
        typed: share of romanized texts that are spelled as people type them, by the rules of the
            native text's script (:mod:`transliconet.tokens.spelling`).
        mixed: share of pairs with text in two scripts: each word stays romanized with a probability
            that is drawn for the pair, uniform from 0 to 1, and one word does in any case. Pairs
            whose views have different numbers of words stay as they are.

    Raises:
        ConfigError: a share outside 0 to 1.
    """

    typed: float = 0.0
    mixed: float = 0.0

    def __post_init__(self) -> None:
        for name in ("typed", "mixed"):
            require_range(name, getattr(self, name), least=0, most=1)

    def __bool__(self) -> bool:
        return self.typed > 0 or self.mixed > 0

    def apply(
        self,
        native: Sequence[Word],
        romanized: Sequence[Word],
        respell: Callable[[Sequence[Word]], list[Word]],
        rng: np.random.Generator,
    ) -> list[Word]:
        """Vary the words of one pair.

        Args:
            native, romanized: the words of both views, as strings or as token ids.
            respell: gives the words as one writer types them.
            rng: source of randomness.

        Returns:
            The romanized words, respelled or not, some of them back in their own script.
        """
        words = list(romanized)
        if self.typed and rng.random() < self.typed:
            words = respell(words)
        if rng.random() < self.mixed and len(native) == len(words):
            stays_romanized = rng.random(len(words)) < rng.random()
            stays_romanized[rng.integers(len(words))] = True  # or it would be the native text
            for i in np.flatnonzero(~stays_romanized).tolist():
                words[i] = native[i]
        return words


def noisy_romanization(
    native: str, romanized: str, augment: Augment, rng: np.random.Generator
) -> str:
    """Write a romanized text as people might.

    Args:
        native: the text; its words are what spaces separate.
        romanized: its romanization.
        augment: how much is changed.
        rng: source of randomness.

    Returns:
        The romanized text, with words respelled or back in their own script.

    >>> augment, rng = Augment(typed=1), np.random.default_rng(3)
    >>> noisy_romanization("Москва и Киев", "Moskva i Kiev", augment, rng)
    'Moskva y kiev'
    """

    def respell(words: Sequence[str]) -> list[str]:
        writer = Writer.from_native(native, rng)
        return [writer.spell(word, rng) for word in words]

    return " ".join(augment.apply(native.split(), romanized.split(), respell, rng))
