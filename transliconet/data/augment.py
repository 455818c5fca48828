"""Romanised text as people write it: misspelled, or with some words left in their own script."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
from transformers import PreTrainedTokenizerBase

from transliconet.data.spelling import misspell
from transliconet.data.words import WORD_START, WordBounds
from transliconet.errors import require_range

Word = TypeVar("Word")


@dataclass(frozen=True)
class Augment:
    """What is done to romanised text: in training anew each time a pair is seen, in the probe once.

    Args:
        misspelled: share of romanised words that get one spelling habit (:mod:`transliconet.data.spelling`).
        mixed: share of pairs of which only a random share of the words (uniform from 0 to 1, but one at least) is
            romanised, where both views have as many words.

    Raises:
        ConfigError: a share outside 0 to 1.
    """

    misspelled: float = 0.0
    mixed: float = 0.0

    def __post_init__(self) -> None:
        for name in ("misspelled", "mixed"):
            require_range(f"augment: {name}", getattr(self, name), least=0, most=1)

    def __bool__(self) -> bool:
        return self.misspelled > 0 or self.mixed > 0

    def rewrite(
        self, words: Sequence[Word], own: Sequence[Word], habit: Callable[[Word], Word], rng: np.random.Generator
    ) -> list[Word]:
        """Romanised words, some of them after ``habit``, some of them put back into their own script."""
        if self.misspelled:
            words = [habit(w) if rng.random() < self.misspelled else w for w in words]
        if rng.random() < self.mixed and len(own) == len(words):
            romanized = rng.random(len(words)) < rng.random()
            romanized[rng.integers(len(words))] = True  # or it would be the native text
            words = [w if stays else o for w, o, stays in zip(words, own, romanized, strict=True)]
        return list(words)


def as_typed(native: str, romanized: str, augment: Augment, rng: np.random.Generator) -> str:
    """A romanised text as people might write it; words are what spaces part.

    >>> as_typed("Москва и Киев", "Moskva i Kiev", Augment(misspelled=1), np.random.default_rng(3))
    'Mskva i Kiiev'
    """
    return " ".join(augment.rewrite(romanized.split(), native.split(), lambda word: misspell(word, rng), rng))


class Augmenter:
    """Carries an :class:`Augment` out on token ids; words are cut as the tokenizer cuts them.

    Args:
        augment: what to do.
        tokenizer: the encoder's.
        bounds: of that tokenizer.
        max_length: rows stay at most this long, special tokens included.
    """

    def __init__(
        self, augment: Augment, tokenizer: PreTrainedTokenizerBase, bounds: WordBounds, max_length: int
    ) -> None:
        self.augment, self.tokenizer, self.bounds, self.max_length = augment, tokenizer, bounds, max_length
        self._cut = lru_cache(maxsize=50_000)(self._tokens)

    def __getstate__(self) -> dict:
        return {k: v for k, v in vars(self).items() if k != "_cut"}  # a cache is not pickled into loader workers

    def __setstate__(self, state: dict) -> None:
        self.__init__(state["augment"], state["tokenizer"], state["bounds"], state["max_length"])  # type: ignore[misc]

    def __call__(self, native: np.ndarray, romanized: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A romanised row to train on, made from both rows of a pair (ids with special tokens)."""
        words = self.bounds.split(romanized)
        own = self.bounds.split(native)
        if not words:
            return romanized
        words = self.augment.rewrite(words, own, lambda word: self._misspelled(word, rng), rng)
        content = np.concatenate(words)[: self.max_length - 2]
        return np.concatenate([romanized[:1], content, romanized[-1:]]).astype(romanized.dtype)

    def _misspelled(self, word: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if self.tokenizer.unk_token_id in word:
            return word
        text = "".join(self.tokenizer.convert_ids_to_tokens(word.tolist())).replace(WORD_START, "")
        return self._cut(misspell(text, rng)) if text else word

    def _tokens(self, text: str) -> np.ndarray:
        return np.array(self.tokenizer(text, add_special_tokens=False)["input_ids"], dtype=np.int32)
