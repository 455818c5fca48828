"""Which concept each row stands for: rows of one id mean the same, in whatever language."""

import logging
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from transliconet.batch import register_field
from transliconet.tokens.fields import BatchField, BatchRows, MakeField, TrainingTokens
from transliconet.tokens.tokenize import concatenate_pairs

log = logging.getLogger(__name__)

UNLABELLED = -1
CONCEPT = register_field(
    "concept",
    "(2B,) int64: the concept that each row stands for; -1 where its text stands for several.",
    "row",
)


def homographs(digests: np.ndarray, concepts: np.ndarray) -> np.ndarray:
    """Find the texts that stand for more than one concept.

    Args:
        digests: (N,) equal for equal texts.
        concepts: (N,) the concept of each text.

    Returns:
        (N,) bool.

    >>> homographs(np.array([7, 8, 7, 8]), np.array([0, 1, 2, 1]))
    array([ True, False,  True, False])
    """
    _, text = np.unique(digests, return_inverse=True)  # (N,)
    lowest = np.full(len(concepts), np.iinfo(concepts.dtype).max, concepts.dtype)
    highest = np.full(len(concepts), np.iinfo(concepts.dtype).min, concepts.dtype)
    np.minimum.at(lowest, text, concepts)
    np.maximum.at(highest, text, concepts)
    return (lowest != highest)[text]


@dataclass(frozen=True)
class Concepts(BatchField):
    """The batch field :data:`CONCEPT`: rows of the same id, native and romanized, in all languages.
    Rows that are homographs are unlabelled, and counted in the log.
    """

    names = (CONCEPT,)

    def open(self, tokens: TrainingTokens) -> MakeField:
        assert tokens.concepts is not None, "the data module gives them where this field is read"
        pairs = concatenate_pairs(tokens.parts)
        concepts = np.concatenate([tokens.concepts, tokens.concepts])  # (2N,)
        ambiguous = homographs(np.concatenate(pairs.text_digests), concepts)
        native, romanized = ambiguous.reshape(2, -1)
        log.info(
            f"{tokens.concepts.max() + 1} concepts in {len(pairs)} pairs; homographs of several "
            f"concepts are left out: {native.sum()} native texts, {romanized.sum()} romanized"
        )
        return _Labels(np.where(ambiguous, UNLABELLED, concepts).reshape(2, -1))


@dataclass(frozen=True)
class _Labels:
    """Looks up the concepts of a batch; ``labels`` are (2, N), native and romanized."""

    labels: np.ndarray

    def __call__(self, rows: BatchRows) -> dict[str, Tensor]:
        return {CONCEPT: torch.from_numpy(self.labels[:, rows.indices].flatten())}
