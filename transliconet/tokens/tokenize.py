"""Texts and pairs as token ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerBase

from transliconet.tokens.ragged import ConcatenatedRows, RaggedArray

TEXTS_AT_ONCE = 4096
"""Texts that go to the tokenizer in one call: it returns Python lists, which are large."""


@dataclass(frozen=True)
class TokenizedPairs:
    """Token ids of both views of N pairs, special tokens included.

    Args:
        native, romanized: N rows of ids each; row i of both is pair i.
        truncated: number of rows that were longer than the maximum length.
        languages: (N,) number of each pair's language among ``tags``.
        tags: language tags; empty where they are not known.
        folder: where the ids are cached; None where they are in memory.
    """

    native: RaggedArray | ConcatenatedRows
    romanized: RaggedArray | ConcatenatedRows
    truncated: int
    languages: np.ndarray
    folder: Path | None = None
    tags: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.native)

    @property
    def lengths(self) -> np.ndarray:
        """(N,) tokens of each pair, both views together."""
        return self.native.lengths + self.romanized.lengths

    @property
    def text_digests(self) -> list[np.ndarray]:
        """(N,) digests of the native texts, and (N,) of the romanized ones."""
        return [self.native.digests, self.romanized.digests]


def tokenize(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_length: int, prompt: str = ""
) -> tuple[RaggedArray, int]:
    """Token ids of texts, special tokens included.

    Args:
        tokenizer: the encoder's.
        texts: N texts.
        max_length: longer rows are truncated; the closing special token stays.
        prompt: put before each text.

    Returns:
        N rows of ids, and the number of rows that were truncated.
    """
    rows: list[np.ndarray] = []
    truncated = 0
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        some = [prompt + text for text in texts[start : start + TEXTS_AT_ONCE]]
        encoded = tokenizer(some, truncation=False, verbose=False)
        for row in encoded["input_ids"]:
            if len(row) > max_length:
                truncated += 1
                row = [*row[: max_length - 1], row[-1]]
            rows.append(np.asarray(row, dtype=np.int32))
    return RaggedArray.from_rows(rows), truncated


def tokenize_pairs(
    tokenizer: PreTrainedTokenizerBase,
    native: Sequence[str],
    romanized: Sequence[str],
    max_length: int,
    prompt: str = "",
) -> TokenizedPairs:
    """Tokenize both views of one language's pairs.

    Args:
        tokenizer: the encoder's.
        native: N texts.
        romanized: N romanizations, in the same order.
        max_length: longer rows are truncated.
        prompt: put before each text.

    Returns:
        Their ids, in memory.
    """
    native_rows, native_truncated = tokenize(tokenizer, native, max_length, prompt)
    romanized_rows, romanized_truncated = tokenize(tokenizer, romanized, max_length, prompt)
    truncated = native_truncated + romanized_truncated
    languages = np.zeros(len(native_rows), np.int16)
    return TokenizedPairs(native_rows, romanized_rows, truncated, languages)


def concatenate_pairs(parts: Sequence[TokenizedPairs]) -> TokenizedPairs:
    """Several sets of pairs as one, without copying ids.

    Args:
        parts: at least one set.

    Returns:
        All pairs, in order, their languages numbered alike. A single set is returned as it is.
    """
    if len(parts) == 1:
        return parts[0]
    numbers: dict[str, int] = {}  # of each tag, in the order in which they are met
    languages = []
    for part in parts:
        renumbered = [numbers.setdefault(tag, len(numbers)) for tag in part.tags]
        known = len(renumbered) > 0
        languages.append(np.array(renumbered)[part.languages] if known else part.languages)
    return TokenizedPairs(
        native=ConcatenatedRows([part.native for part in parts]),  # type: ignore[misc]
        romanized=ConcatenatedRows([part.romanized for part in parts]),  # type: ignore[misc]
        truncated=sum(part.truncated for part in parts),
        languages=np.concatenate(languages),
        tags=list(numbers),
    )
