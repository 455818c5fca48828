"""Where words begin in rows of token ids."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from transformers import PreTrainedTokenizerBase

WORD_START = "▁"


@dataclass(frozen=True)
class WordBoundaries:
    """What a tokenizer says of each id.

    Args:
        starts: (V,) bool, True where the piece begins a word.
        special: (V,) bool.
    """

    starts: np.ndarray
    special: np.ndarray

    @classmethod
    def from_tokenizer(cls, tokenizer: PreTrainedTokenizerBase) -> Self:
        pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        special = np.zeros(len(pieces), bool)
        special[list(tokenizer.all_special_ids)] = True
        special[tokenizer.unk_token_id] = False  # stands for text
        return cls(np.array([piece.startswith(WORD_START) for piece in pieces]), special)

    def number(self, row: np.ndarray) -> np.ndarray:
        """(L,) ids → (L,) int64, the word of each token from 0; -1 at special tokens."""
        content = ~self.special[row]
        numbers = np.cumsum(self.starts[row] & content) - 1
        return np.where(content, np.maximum(numbers, 0), -1)

    def split(self, row: np.ndarray) -> list[np.ndarray]:
        """The tokens of each word."""
        numbers = self.number(row)
        content = row[numbers >= 0]
        return (
            np.split(content, np.flatnonzero(np.diff(numbers[numbers >= 0])) + 1)
            if len(content)
            else []
        )


def number_words(
    bounds: WordBoundaries, native: list[np.ndarray], romanized: list[np.ndarray], length: int
) -> np.ndarray:
    """Word numbers of both views, (2B, ``length``) as :data:`transliconet.batch.WORDS` has them.

    Args:
        bounds: of the tokenizer.
        native, romanized: B rows of ids each.
        length: of the padded batch.
    """
    numbers = np.full((len(native) + len(romanized), length), -1, np.int64)
    for i, (left, right) in enumerate(zip(native, romanized, strict=True)):
        n, r = bounds.number(left), bounds.number(right)
        if n.max(initial=-1) == r.max(initial=-1):
            numbers[i, : len(n)] = n
            numbers[len(native) + i, : len(r)] = r
    return numbers
