"""Noisy and mixed-script romanized rows, drawn again each time that a pair is in a batch."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from transformers import PreTrainedTokenizerBase

from transliconet.tokens.noise import Augment
from transliconet.tokens.spelling import Writer
from transliconet.tokens.words import WORD_START, WordBoundaries


class Augmenter:
    """Applies an :class:`Augment` to token ids. Only respelled words are tokenized again.

    Args:
        augment: rates and kinds of changes.
        tokenizer: of the encoder.
        boundaries: word boundaries of that tokenizer.
        max_length: longest row in tokens, special tokens included.
        prompt: what every row begins with; it stays as it is.
    """

    def __init__(
        self,
        augment: Augment,
        tokenizer: PreTrainedTokenizerBase,
        boundaries: WordBoundaries,
        max_length: int,
        prompt: str = "",
    ) -> None:
        self.augment = augment
        self.tokenizer = tokenizer
        self.boundaries = boundaries
        self.max_length = max_length
        ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        self.prompt_words = len(boundaries.split(np.array(ids, np.int64)))
        self._cached_ids = self._new_cache()

    def _new_cache(self) -> Callable[[str], np.ndarray]:
        return lru_cache(maxsize=50_000)(self._ids)

    def __getstate__(self) -> dict:
        # loader processes start with a cache of their own: this one does not pickle
        return {name: value for name, value in vars(self).items() if name != "_cached_ids"}

    def __setstate__(self, state: dict) -> None:
        vars(self).update(state)
        self._cached_ids = self._new_cache()

    def __call__(
        self, native: np.ndarray, romanized: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """A romanized row to train on, from both rows of a pair (ids with special tokens)."""
        native_words = self.boundaries.split(native)[self.prompt_words :]
        all_words = self.boundaries.split(romanized)
        prompt, romanized_words = all_words[: self.prompt_words], all_words[self.prompt_words :]
        if not romanized_words:
            return romanized

        def respell(words: Sequence[np.ndarray]) -> list[np.ndarray]:
            writer = Writer.from_native(self._text(native), rng)
            return [self._respelled(word, writer, rng) for word in words]

        words = self.augment.apply(native_words, romanized_words, respell, rng)
        content = np.concatenate([*prompt, *words])[: self.max_length - 2]
        first, last = romanized[:1], romanized[-1:]  # the special tokens
        return np.concatenate([first, content, last]).astype(romanized.dtype)

    def _text(self, ids: np.ndarray) -> str:
        return "".join(self.tokenizer.convert_ids_to_tokens(ids.tolist()))

    def _respelled(self, word: np.ndarray, writer: Writer, rng: np.random.Generator) -> np.ndarray:
        if self.tokenizer.unk_token_id in word:
            return word  # its spelling is not known
        text = self._text(word).replace(WORD_START, "")
        if not text:
            return word
        return self._cached_ids(writer.spell(text, rng))

    def _ids(self, text: str) -> np.ndarray:
        ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return np.array(ids, dtype=np.int32)
