"""Noisy and mixed-script romanized rows, drawn again each time that a pair is in a batch."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from transformers import PreTrainedTokenizerBase

from transliconet.tokens.marks import WordMarks
from transliconet.tokens.noise import Augment
from transliconet.tokens.spelling import Writer
from transliconet.tokens.words import WordBoundaries


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
        self.marks = WordMarks.from_tokenizer(tokenizer)
        self.max_length = max_length
        self.prompt_words = boundaries.count(tokenizer, prompt)
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
        # the special tokens around the text, of which a tokenizer may have none
        text_at = np.flatnonzero(self.boundaries.number(romanized) >= 0)
        first, last = romanized[: text_at[0]], romanized[text_at[-1] + 1 :]
        room = self.max_length - len(first) - len(last)
        content = np.concatenate([*prompt, *words])[:room]
        return np.concatenate([first, content, last]).astype(romanized.dtype)

    def _text(self, ids: np.ndarray) -> str:
        return self.marks.text(self.tokenizer.convert_ids_to_tokens(ids.tolist()))

    def _respelled(self, word: np.ndarray, writer: Writer, rng: np.random.Generator) -> np.ndarray:
        if self.tokenizer.unk_token_id in word:
            return word  # its spelling is not known
        written = self._text(word)
        text = written.replace(" ", "")
        if not text or "\N{REPLACEMENT CHARACTER}" in text:
            return word
        spelled = writer.spell(text, rng)
        # a word at the beginning of a text may be tokenized without the mark of a word's start
        return self._cached_ids(
            self.marks.within_text(spelled) if written.startswith(" ") else spelled
        )

    def _ids(self, text: str) -> np.ndarray:
        ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return np.array(ids, dtype=np.int32)
