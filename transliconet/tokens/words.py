"""Which word each token belongs to."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from transliconet.batch import register_field
from transliconet.tokens.fields import BatchField, BatchRows, MakeField, TrainingTokens
from transliconet.tokens.marks import WordMarks

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
        bare_first: whether the first word of a text has no mark.
    """

    starts_word: np.ndarray
    special: np.ndarray
    bare_first: bool = False

    @classmethod
    def from_tokenizer(cls, tokenizer: PreTrainedTokenizerBase) -> Self:
        """Find the word beginnings in the vocabulary of a tokenizer.

        Spaces part words. A WordPiece tokenizer does not show them: there, punctuation and Chinese
        characters belong to the word before.

        Args:
            tokenizer: a fast one, with V ids.

        Returns:
            What splits its rows into words.

        Raises:
            CheckpointError: its subwords do not say where words begin.
        """
        marks = WordMarks.from_tokenizer(tokenizer)
        ids = tokenizer.get_vocab()
        starts_word = np.zeros(max(ids.values()) + 1, bool)
        for subword, id_ in ids.items():
            starts_word[id_] = marks.begins_word(subword)
        special = np.zeros(len(starts_word), bool)
        special[list(tokenizer.all_special_ids)] = True
        if tokenizer.unk_token_id is not None:
            special[tokenizer.unk_token_id] = False
            # a WordPiece tokenizer has one unknown token for a whole word
            starts_word[tokenizer.unk_token_id] = bool(marks.continuation)
        return cls(starts_word, special, marks.bare_first)

    def number(self, row: np.ndarray) -> np.ndarray:
        """Number the words of a row.

        Args:
            row: (L,) ids.

        Returns:
            (L,) int64: the word of each token, from 0; -1 at special tokens.
        """
        content = ~self.special[row]
        starts = self.starts_word[row] & content
        if self.bare_first and content.any():
            starts[np.argmax(content)] = True
        numbers = np.cumsum(starts) - 1
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

    def count(self, tokenizer: PreTrainedTokenizerBase, prompt: str) -> int:
        """Number of words in a prompt, as ``tokenizer``, which the boundaries are of, tokenizes
        it.
        """
        ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        return len(self.split(np.array(ids, np.int64)))


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
