"""Which word each token belongs to."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from transliconet.batch import register_field
from transliconet.errors import CheckpointError
from transliconet.tokens.fields import BatchField, BatchRows, MakeField, TrainingTokens

WORD_START = "▁"
"""What a subword of a Unigram tokenizer starts with where it begins a word."""

WORDS = register_field(
    "words",
    "(2B, L) int64: the word of its row that each token belongs to, counted from 0; -1 at special "
    "tokens and padding, and in both rows of a pair whose views have different numbers of words.",
    "token",
)


@dataclass(frozen=True)
class WordBoundaries:
    """Finds the words in rows of token ids.

    Args:
        starts_word: (V,) bool, True where the subword begins a word.
        special: (V,) bool, True at special tokens. The unknown token is not special here: it stands
            for text.
    """

    starts_word: np.ndarray
    special: np.ndarray

    @classmethod
    def from_tokenizer(cls, tokenizer: PreTrainedTokenizerBase) -> Self:
        """Find the word beginnings in the vocabulary of a tokenizer.

        Args:
            tokenizer: with V subwords.

        Returns:
            What splits its rows into words.

        Raises:
            CheckpointError: its subwords do not say where words begin.
        """
        subwords = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        special = np.zeros(len(subwords), bool)
        special[list(tokenizer.all_special_ids)] = True
        special[tokenizer.unk_token_id] = False
        starts_word = np.array([subword.startswith(WORD_START) for subword in subwords])
        if not starts_word.any():  # every text would be one word
            raise CheckpointError(
                type(tokenizer).__name__,
                f"no subword begins with {WORD_START!r}, as those of Unigram tokenizers do where a "
                "word begins",
                "Train such an encoder without word_alignment and without augment",
                code="TLN-CKPT-301",
            )
        return cls(starts_word, special)

    def number(self, row: np.ndarray) -> np.ndarray:
        """Number the words of a row.

        Args:
            row: (L,) ids.

        Returns:
            (L,) int64: the word of each token, from 0; -1 at special tokens.
        """
        content = ~self.special[row]
        numbers = np.cumsum(self.starts_word[row] & content) - 1
        # a text whose first subword begins no word still has its first word there
        numbers = np.maximum(numbers, 0)
        return np.where(content, numbers, -1)

    def split(self, row: np.ndarray) -> list[np.ndarray]:
        """Split a row into words.

        Args:
            row: (L,) ids.

        Returns:
            The ids of each word, without special tokens.
        """
        numbers = self.number(row)
        content = row[numbers >= 0]
        if not len(content):
            return []
        ends = np.flatnonzero(np.diff(numbers[numbers >= 0])) + 1
        return np.split(content, ends)


def number_words(
    boundaries: WordBoundaries, native: list[np.ndarray], romanized: list[np.ndarray], length: int
) -> np.ndarray:
    """Word numbers of both views, as the field :data:`WORDS` has them.

    Args:
        boundaries: of the tokenizer.
        native, romanized: B rows of ids each.
        length: of the padded batch, L.

    Returns:
        (2B, L) int64.
    """
    pairs = len(native)
    numbers = np.full((2 * pairs, length), -1, np.int64)
    for pair, (native_row, romanized_row) in enumerate(zip(native, romanized, strict=True)):
        native_words = boundaries.number(native_row)
        romanized_words = boundaries.number(romanized_row)
        # word i of both views is the same word only where both have as many
        if native_words.max(initial=-1) == romanized_words.max(initial=-1):
            numbers[pair, : len(native_words)] = native_words
            numbers[pairs + pair, : len(romanized_words)] = romanized_words
    return numbers


@dataclass(frozen=True)
class WordNumbers(BatchField):
    """The batch field :data:`WORDS`."""

    names = (WORDS,)

    def open(self, tokens: TrainingTokens) -> MakeField:
        return _NumberedWords(WordBoundaries.from_tokenizer(tokens.tokenizer))


@dataclass(frozen=True)
class _NumberedWords:
    boundaries: WordBoundaries

    def __call__(self, rows: BatchRows) -> dict[str, torch.Tensor]:
        length = rows.input_ids.shape[1]
        numbers = number_words(self.boundaries, rows.native, rows.romanized, length)
        return {WORDS: torch.from_numpy(numbers)}
