"""The second text of a row in translation language modelling: a translation or the romanization."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from transliconet.batch import register_field
from transliconet.tokens.fields import BatchField, BatchRows, MakeField, TrainingTokens
from transliconet.tokens.padding import Vocabulary, content_mask, pad
from transliconet.tokens.ragged import ConcatenatedRows

SECOND_IDS = register_field(
    "second_ids", "(B, S) int64: token ids of each pair's second text, after masking.", "pair"
)
SECOND_LABELS = register_field(
    "second_labels", "(B, S) int64: as labels, of the second texts.", "pair"
)
SECOND_ATTENTION = register_field(
    "second_attention_mask", "(B, S) bool: as attention_mask, of the second texts.", "pair"
)
SECOND_CONTENT = register_field(
    "second_content_mask", "(B, S) bool: as content_mask, of the second texts.", "pair"
)
ROMANIZATION, TRANSLATION, BOTH = "romanization", "translation", "both"
SECOND_TEXTS = (ROMANIZATION, TRANSLATION, BOTH)


@dataclass(frozen=True)
class SecondTexts(BatchField):
    """The batch fields of translations, each masked like the other rows. A pair without a
    translation has its romanization.

    Args:
        second: ``translation``, or ``both``: one of the two, with equal probability, is drawn each
            time that a pair is in a batch.
    """

    second: str = TRANSLATION

    names = (SECOND_IDS, SECOND_LABELS, SECOND_ATTENTION, SECOND_CONTENT)
    translations = True

    def open(self, tokens: TrainingTokens) -> MakeField:
        return _SecondTexts(
            ConcatenatedRows([texts.native for texts in tokens.texts]),  # type: ignore[misc]
            tokens.translations(),
            Vocabulary.from_tokenizer(tokens.tokenizer),
            share=0.5 if self.second == BOTH else 1.0,
        )


@dataclass(frozen=True)
class _SecondTexts:
    """Makes the fields of :class:`SecondTexts`.

    Args:
        texts: token ids of the native text of all pairs, then of the texts of pivot languages.
        translations: (N,) positions in ``texts``, see :meth:`TrainingTokens.translations`.
        vocabulary: special ids of the tokenizer.
        share: probability that a translation is taken where there is one.
    """

    texts: ConcatenatedRows
    translations: np.ndarray
    vocabulary: Vocabulary
    share: float

    def __call__(self, rows: BatchRows) -> dict[str, Tensor]:
        positions = self.translations[rows.indices]  # (B,)
        translated = (positions != rows.indices) & (rows.rng.random(len(positions)) < self.share)
        second = list(rows.romanized)
        for pair in np.flatnonzero(translated).tolist():
            second[pair] = self.texts[int(positions[pair])]
        ids, attention_mask = pad(second, self.vocabulary.pad_id)  # (B, S)
        content = content_mask(ids, attention_mask, self.vocabulary.special_ids)
        masked_ids, labels = rows.mask(ids, content)
        return {
            SECOND_IDS: masked_ids,
            SECOND_LABELS: labels,
            SECOND_ATTENTION: attention_mask,
            SECOND_CONTENT: content,
        }


def side_by_side(first: Tensor, second: Tensor, padding: int) -> Tensor:
    """(B, L) and (B, S) rows of two texts → (B, 2M), M the length of the longer one.

    Both are padded to M, so that an encoder finds the second text in the second half of a row.

    >>> side_by_side(torch.tensor([[5, 6, 7]]), torch.tensor([[8]]), padding=0)
    tensor([[5, 6, 7, 8, 0, 0]])
    """
    length = max(first.shape[1], second.shape[1])
    halves = []
    for rows in (first, second):
        padded = rows.new_full((len(rows), length), padding)
        padded[:, : rows.shape[1]] = rows
        halves.append(padded)
    return torch.cat(halves, dim=1)
