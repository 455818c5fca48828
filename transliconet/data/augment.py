"""Romanized text as people write it: misspelled, or with some words left in their own script."""

from functools import lru_cache

import numpy as np
from transformers import PreTrainedTokenizerBase

from transliconet.tokens.noise import Augment, add_spelling_noise
from transliconet.tokens.words import WORD_START, WordBoundaries


class Augmenter:
    """Carries an :class:`Augment` out on token ids; words are cut as the tokenizer cuts them.

    Args:
        augment: what to do.
        tokenizer: the encoder's.
        bounds: of that tokenizer.
        max_length: rows stay at most this long, special tokens included.
    """

    def __init__(
        self,
        augment: Augment,
        tokenizer: PreTrainedTokenizerBase,
        bounds: WordBoundaries,
        max_length: int,
    ) -> None:
        self.augment, self.tokenizer, self.bounds, self.max_length = (
            augment,
            tokenizer,
            bounds,
            max_length,
        )
        self._cut = lru_cache(maxsize=50_000)(self._tokens)

    def __getstate__(self) -> dict:
        return {
            k: v for k, v in vars(self).items() if k != "_cut"
        }  # a cache is not pickled into loader workers

    def __setstate__(self, state: dict) -> None:
        vars(self).update(state)
        self._cut = lru_cache(maxsize=50_000)(self._tokens)

    def __call__(
        self, native: np.ndarray, romanized: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """A romanized row to train on, made from both rows of a pair (ids with special tokens)."""
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
        return self._cut(add_spelling_noise(text, rng)) if text else word

    def _tokens(self, text: str) -> np.ndarray:
        return np.array(self.tokenizer(text, add_special_tokens=False)["input_ids"], dtype=np.int32)
