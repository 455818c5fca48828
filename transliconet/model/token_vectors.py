"""A vector for each token of a text, for late interaction."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from transliconet.model.vectors import normalize


@dataclass(frozen=True)
class TokenVectors:
    """The vectors of the tokens of N texts, in one flat array.

    Args:
        values: (T, H) float32, each of length 1; one text after the other.
        offsets: (N + 1,) int64; text ``i`` has ``values[offsets[i] : offsets[i + 1]]``, one row or
            more. A text without content tokens has one row of zeros.
    """

    values: np.ndarray
    offsets: np.ndarray

    @classmethod
    def from_rows(cls, rows: Sequence[np.ndarray]) -> "TokenVectors":
        """Concatenate N arrays of (t, H), and scale each row of them to length 1."""
        filled = [row if len(row) else np.zeros((1, row.shape[1])) for row in rows]
        return cls(normalize(np.concatenate(filled)), offsets_of(list(map(len, filled))))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """(N,) vectors of each text."""
        return np.diff(self.offsets)

    def __getitem__(self, texts: Sequence[int] | np.ndarray) -> "TokenVectors":
        """Some of the texts, in the order of their numbers here."""
        chosen = np.asarray(texts, dtype=np.int64)
        offsets = offsets_of(self.lengths[chosen])
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], self.lengths[chosen])  # (t,)
        rows = np.repeat(self.offsets[chosen], self.lengths[chosen]) + within  # (t,)
        return TokenVectors(self.values[rows], offsets)

    def between(self, start: int, end: int) -> "TokenVectors":
        """The texts ``start`` to ``end``, without a copy."""
        first, last = self.offsets[start], self.offsets[end]
        return TokenVectors(self.values[first:last], self.offsets[start : end + 1] - first)

    def means(self) -> np.ndarray:
        """(N, H) mean of each text's vectors."""
        sums = np.add.reduceat(self.values, self.offsets[:-1], axis=0)  # (N, H)
        return np.asarray(sums / self.lengths[:, None])


def offsets_of(lengths: Sequence[int] | np.ndarray) -> np.ndarray:
    """(N + 1,) where each text begins, and where the last ends."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
