"""Rows of different lengths in one flat array, which takes far less memory than Python lists."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ROWS_AT_ONCE = 1 << 16
"""Rows that :attr:`RaggedArray.digests` reads at a time: a memory map is never wholly in memory."""
VALUES_AT_ONCE = 1 << 22
"""Values that :meth:`RaggedArray.counts` reads at a time."""


@dataclass(frozen=True)
class RaggedArray:
    """Rows of different lengths in one flat array.

    Args:
        values: (T,) the rows' values, one row after the other.
        offsets: (N + 1,) int64; row ``i`` is ``values[offsets[i] : offsets[i + 1]]``.
    """

    values: np.ndarray
    offsets: np.ndarray

    @classmethod
    def from_rows(cls, rows: Sequence[np.ndarray]) -> "RaggedArray":
        """Concatenate N rows of int32."""
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        values = np.concatenate(rows) if rows else np.zeros(0, np.int32)
        return cls(values, offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> np.ndarray:
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    @property
    def lengths(self) -> np.ndarray:
        """(N,) number of values in each row."""
        return np.diff(self.offsets)

    def counts(self, number: int) -> np.ndarray:
        """(number,) int64: how often each value from 0 to ``number`` - 1 occurs."""
        counts = np.zeros(number, np.int64)
        for start in range(0, len(self.values), VALUES_AT_ONCE):
            some = np.asarray(self.values[start : start + VALUES_AT_ONCE])
            counts += np.bincount(some, minlength=number)
        return counts

    @property
    def digests(self) -> np.ndarray:
        """(N,) uint64: equal for equal rows. Different rows share one by chance, 2⁻⁶⁴ a pair."""
        digests = np.zeros(len(self), dtype=np.uint64)
        for start in range(0, len(self), ROWS_AT_ONCE):
            offsets = np.asarray(self.offsets[start : start + ROWS_AT_ONCE + 1])
            values = np.asarray(self.values[offsets[0] : offsets[-1]])  # (t,) of these rows
            digests[start : start + len(offsets) - 1] = _row_digests(values, offsets - offsets[0])
        return digests


def _row_digests(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """(n,) uint64, a hash of each row.

    A row's hash is the sum, modulo 2⁶⁴, of the hashes of its (value, position) pairs. Differences
    of one running sum give the sums of all rows without a loop.
    """
    lengths = np.diff(offsets)  # (n,)
    position = np.arange(len(values)) - np.repeat(offsets[:-1], lengths)  # (t,) within its row
    value_and_position = values.astype(np.uint64) << np.uint64(32) | position.astype(np.uint64)
    hashes = _mix(value_and_position)
    running = np.concatenate([np.zeros(1, np.uint64), np.cumsum(hashes, dtype=np.uint64)])
    return np.diff(running[offsets])


def _mix(values: np.ndarray) -> np.ndarray:
    """The finalizer of SplitMix64 (Steele et al., 2014): a bijection of uint64 that spreads every
    bit.
    """
    values = (values ^ values >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ values >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return values ^ values >> np.uint64(31)


@dataclass(frozen=True)
class ConcatenatedRows:
    """Rows of several parts as if they were one: row ``i`` counts through the parts in order.

    Nothing is copied, so that memory-mapped parts stay on disk.
    """

    parts: Sequence["RaggedArray | np.ndarray"]

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def __getitem__(self, row: int) -> np.ndarray:
        for part in self.parts:
            if row < len(part):
                return part[row]
            row -= len(part)
        raise IndexError(row)

    @property
    def lengths(self) -> np.ndarray:
        """(N,) number of values in each row; of ragged parts."""
        return np.concatenate([part.lengths for part in self.parts])  # type: ignore[union-attr]

    @property
    def digests(self) -> np.ndarray:
        """(N,) uint64, as :attr:`RaggedArray.digests`; of ragged parts."""
        return np.concatenate([part.digests for part in self.parts])  # type: ignore[union-attr]

    def counts(self, number: int) -> np.ndarray:
        """(number,) int64, as :meth:`RaggedArray.counts`; of ragged parts."""
        of_parts = [part.counts(number) for part in self.parts]  # type: ignore[union-attr]
        return np.sum(of_parts, axis=0)  # type: ignore[no-any-return]
