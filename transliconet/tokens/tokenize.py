"""Tokenized pairs, held flat: two integers a token instead of a Python object."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Ragged:
    """Rows of different lengths in one flat array: row ``i`` is ``values[offsets[i]:offsets[i +
    1]]``.
    """

    values: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> np.ndarray:
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)

    @property
    def digests(self) -> np.ndarray:
        """(N,) uint64, equal for equal rows and, but for chance (2⁻⁶⁴ a pair of rows), for no
        others.
        """
        found = np.zeros(len(self), dtype=np.uint64)
        for start in range(0, len(self), 1 << 16):
            bounds = np.asarray(self.offsets[start : start + (1 << 16) + 1])
            values = np.asarray(self.values[bounds[0] : bounds[-1]]).astype(np.uint64)
            lengths = np.diff(bounds)
            place = np.arange(len(values)) - np.repeat(bounds[:-1] - bounds[0], lengths)
            mixed = _mix(values << np.uint64(32) | place.astype(np.uint64))
            sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed, dtype=np.uint64)])
            found[start : start + len(lengths)] = np.diff(sums[bounds - bounds[0]])
        return found


@dataclass(frozen=True)
class Joined:
    """Rows of several parts as if they were one: row ``i`` counts through the parts in order."""

    parts: Sequence["Ragged | np.ndarray"]

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
        return np.concatenate([part.lengths for part in self.parts])  # type: ignore[union-attr]

    @property
    def digests(self) -> np.ndarray:
        return np.concatenate([part.digests for part in self.parts])  # type: ignore[union-attr]


@dataclass(frozen=True)
class TokenizedPairs:
    """Token ids of both views, special tokens included.

    ``truncated`` counts the rows cut at the maximal length; ``languages`` (N,) numbers the language
    of each pair; ``place`` is the folder that caches them, if one does.
    """

    native: Ragged | Joined
    romanized: Ragged | Joined
    truncated: int
    languages: np.ndarray
    place: Path | None = None

    def __len__(self) -> int:
        return len(self.native)

    @property
    def tokens(self) -> np.ndarray:
        """(N,) tokens of both views of each pair: what the pair costs."""
        return self.native.lengths + self.romanized.lengths

    @property
    def texts(self) -> list[np.ndarray]:
        """(N,) digests of the texts of each view."""
        return [self.native.digests, self.romanized.digests]


def _mix(values: np.ndarray) -> np.ndarray:
    """The finalizer of SplitMix64 (Steele et al., 2014): a bijection of uint64 that spreads every
    bit.
    """
    values = (values ^ values >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ values >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return values ^ values >> np.uint64(31)


def tokenize(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_length: int
) -> tuple[Ragged, int]:
    """Token ids of ``texts`` with special tokens, cut at ``max_length``, and the number of rows
    cut.
    """
    rows: list[np.ndarray] = []
    truncated = 0
    for start in range(0, len(texts), 4096):
        ids = tokenizer(list(texts[start : start + 4096]), truncation=False, verbose=False)[
            "input_ids"
        ]
        for row in ids:
            if len(row) > max_length:
                truncated += 1
                row = [*row[: max_length - 1], row[-1]]  # the closing </s> stays
            rows.append(np.asarray(row, dtype=np.int32))
    offsets = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum([len(r) for r in rows], out=offsets[1:])
    return Ragged(np.concatenate(rows) if rows else np.zeros(0, np.int32), offsets), truncated


def tokenize_pairs(
    tokenizer: PreTrainedTokenizerBase,
    native: Sequence[str],
    romanized: Sequence[str],
    max_length: int,
) -> TokenizedPairs:
    """Tokenize both views of one language's pairs. ``native[i]`` and ``romanized[i]`` are one
    pair.
    """
    left, cut_left = tokenize(tokenizer, native, max_length)
    right, cut_right = tokenize(tokenizer, romanized, max_length)
    return TokenizedPairs(left, right, cut_left + cut_right, np.zeros(len(left), np.int16))


def joined(parts: Sequence[TokenizedPairs]) -> TokenizedPairs:
    """Several sets of pairs as one. A single one is returned as it is."""
    if len(parts) == 1:
        return parts[0]
    return TokenizedPairs(
        Joined([p.native for p in parts]),  # type: ignore[misc]
        Joined([p.romanized for p in parts]),  # type: ignore[misc]
        sum(p.truncated for p in parts),
        np.concatenate([p.languages for p in parts]),
    )
