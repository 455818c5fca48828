"""Sentences that are split into words, as token ids: where does each word begin?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerBase

from transliconet.errors import CheckpointError
from transliconet.tokens.ragged import RaggedArray
from transliconet.tokens.tokenize import TEXTS_AT_ONCE

NOWHERE = -1
"""Position of a word that has no subword."""


@dataclass(frozen=True)
class WordTokens:
    """Token ids of N sentences.

    Args:
        rows: N rows of ids, special tokens included.
        first: of each sentence, (W,) the position in its row of the first subword of each of its W
            words; :data:`NOWHERE` for a word that yields no subword, such as a lone U+200C, or that
            a long row is truncated before.
    """

    rows: RaggedArray
    first: list[np.ndarray]


def tokenize_words(
    tokenizer: PreTrainedTokenizerBase,
    sentences: Sequence[Sequence[str]],
    max_length: int,
    prompt: str = "",
) -> WordTokens:
    """Tokenize sentences whose words are known.

    The words are joined by spaces, so that their subwords are those of running text. A subword
    belongs to the word that its last character stands in. So the lone ``▁`` that SentencePiece puts
    before many a Chinese word, and which covers the space, belongs to none.

    Args:
        tokenizer: the encoder's.
        sentences: N lists of words.
        max_length: longer rows are truncated; the closing special token stays.
        prompt: put before each sentence.

    Returns:
        Ids, and the first subword of each word.

    Raises:
        CheckpointError: the tokenizer does not say which characters a subword covers.
    """
    if not tokenizer.is_fast:
        raise CheckpointError(
            type(tokenizer).__name__,
            "a tokenizer that does not say which characters a subword covers",
            "Use a checkpoint with a tokenizer.json",
            code="TLN-CKPT-302",
        )
    rows: list[np.ndarray] = []
    first: list[np.ndarray] = []
    for start in range(0, len(sentences), TEXTS_AT_ONCE):
        some = sentences[start : start + TEXTS_AT_ONCE]
        texts = [prompt + " ".join(words) for words in some]
        encoded = tokenizer(texts, truncation=False, verbose=False, return_offsets_mapping=True)
        for number, words in enumerate(some):
            row, spans = encoded["input_ids"][number], encoded["offset_mapping"][number]
            first.append(_first_subwords(words, np.array(spans), len(prompt), limit=max_length))
            if len(row) > max_length:
                row = [*row[: max_length - 1], row[-1]]
            rows.append(np.asarray(row, dtype=np.int32))
    return WordTokens(RaggedArray.from_rows(rows), first)


def _first_subwords(words: Sequence[str], spans: np.ndarray, start: int, limit: int) -> np.ndarray:
    """(W,) positions of the first subword of each word.

    Args:
        words: W words, with one space between them.
        spans: (L, 2) the characters of each token, from and up to; special tokens have none.
        start: character that the first word begins at.
        limit: most tokens of a row, of which the last one is special.
    """
    word_of_character = np.full(start + sum(map(len, words)) + len(words), NOWHERE)  # (C,)
    for number, word in enumerate(words):
        word_of_character[start : start + len(word)] = number
        start += len(word) + 1
    covered = spans[:, 1] > spans[:, 0]  # (L,)
    if len(spans) > limit:  # these tokens are truncated
        covered[limit - 1 :] = False
    positions = np.flatnonzero(covered)  # (T,)
    word_of_token = word_of_character[spans[positions, 1] - 1]  # (T,)
    first = np.full(len(words), NOWHERE)
    numbers, places = np.unique(word_of_token, return_index=True)  # of each word, the first one
    known = numbers != NOWHERE
    first[numbers[known]] = positions[places[known]]
    return first
