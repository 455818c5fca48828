"""Romanized rows that are misspelled, or in two scripts or languages, drawn again each time that a
pair is in a batch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from transformers import PreTrainedTokenizerBase

from transliconet.tokens.lexicon import read_lexicon
from transliconet.tokens.marks import WordMarks
from transliconet.tokens.noise import Augment, PairWords
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
        spans: position of a training pair → (W,) span that a tagger has found of each word of its
            text, -1 outside of all.
    """

    def __init__(
        self,
        augment: Augment,
        tokenizer: PreTrainedTokenizerBase,
        boundaries: WordBoundaries,
        max_length: int,
        prompt: str = "",
        spans: Mapping[int, np.ndarray] | None = None,
    ) -> None:
        self.augment = augment
        self.tokenizer = tokenizer
        self.boundaries = boundaries
        self.marks = WordMarks.from_tokenizer(tokenizer)
        self.max_length = max_length
        self.spans = spans or {}
        if augment.lexicon is not None:
            read_lexicon(augment.lexicon)  # an error in it ends the run before it begins
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
        self,
        native: np.ndarray,
        romanized: np.ndarray,
        rng: np.random.Generator,
        *,
        language: str = "",
        pair: int | None = None,
    ) -> np.ndarray:
        """A romanized row to train on.

        Args:
            native, romanized: both rows of a pair, ids with special tokens.
            rng: source of randomness.
            language: tag of the text.
            pair: position of the pair, to find its spans.
        """
        native_words = self.boundaries.split(native)[self.prompt_words :]
        all_words = self.boundaries.split(romanized)
        prompt, romanized_words = all_words[: self.prompt_words], all_words[self.prompt_words :]
        if not romanized_words:
            return romanized
        spans = None if pair is None else self.spans.get(pair)
        words = self.augment.apply(
            PairWords(native_words, romanized_words, language, spans), _Subwords(self, native), rng
        )
        # the special tokens around the text, of which a tokenizer may have none
        text_at = np.flatnonzero(self.boundaries.number(romanized) >= 0)
        first, last = romanized[: text_at[0]], romanized[text_at[-1] + 1 :]
        room = self.max_length - len(first) - len(last)
        content = np.concatenate([*prompt, *words])[:room]
        return np.concatenate([first, content, last]).astype(romanized.dtype)

    def text(self, ids: np.ndarray) -> str:
        """The text of token ids; where they begin a word, a space may stand before it."""
        return self.marks.text(self.tokenizer.convert_ids_to_tokens(ids.tolist()))

    def respelled(self, word: np.ndarray, writer: Writer, rng: np.random.Generator) -> np.ndarray:
        """A romanized word as somebody types it."""
        if self.tokenizer.unk_token_id in word:
            return word  # its spelling is not known
        text = self.text(word).replace(" ", "")
        if not text or "\N{REPLACEMENT CHARACTER}" in text:
            return word
        return self.in_place_of(word, writer.spell(text, rng))

    def in_place_of(self, word: np.ndarray, text: str) -> np.ndarray:
        """The ids of a text where the ids of ``word`` stand."""
        # a word at the beginning of a text may be tokenized without the mark of a word's start
        begins = self.text(word).startswith(" ")
        return self._cached_ids(self.marks.within_text(text) if begins else text)

    def _ids(self, text: str) -> np.ndarray:
        ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return np.array(ids, dtype=np.int32)


@dataclass(frozen=True)
class _Subwords:
    """Words of a pair as token ids; ``native`` is its native row."""

    augmenter: Augmenter
    native: np.ndarray

    def text(self, word: np.ndarray) -> str:
        return self.augmenter.text(word).strip()

    def typed(self, words: Sequence[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
        writer = Writer.from_native(self.augmenter.text(self.native), rng)
        return [self.augmenter.respelled(word, writer, rng) for word in words]

    def word(self, text: str, like: np.ndarray) -> np.ndarray:
        return self.augmenter.in_place_of(like, text)
