"""Small batches, and fields for tests that need no encoder to make them."""

from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from transliconet.data.datamodule import PairsDataModule
from transliconet.data.settings import DataSettings
from transliconet.objectives.anchors import ANCHOR, NATIVE, NEGATIVES, AnchorLookup
from transliconet.pairs import PairsFolder
from transliconet.tokens.fields import BatchField, BatchNeeds, MakeField, TrainingTokens
from transliconet.tokens.ragged import ConcatenatedRows

MASKED = BatchNeeds(masked_input=True)


def small_data(
    pairs: PairsFolder,
    tokenizer: PreTrainedTokenizerBase,
    needs: BatchNeeds = MASKED,
    **settings: object,
) -> PairsDataModule:
    """16 pairs a batch of at most 48 tokens a row, unless ``settings`` say otherwise."""
    defaults = {"batch_size": 16, "max_length": 48}
    return PairsDataModule(pairs, tokenizer, DataSettings(**{**defaults, **settings}), needs)  # type: ignore[arg-type]


@dataclass(frozen=True)
class RandomAnchors(BatchField):
    """Anchors of width 32 in place of a teacher's."""

    cached_negatives: int

    names = (ANCHOR, NEGATIVES)

    def open(self, tokens: TrainingTokens) -> MakeField:
        generator = torch.Generator().manual_seed(0)
        parts = [torch.randn(len(part), 32, generator=generator).numpy() for part in tokens.parts]
        pool = np.arange(sum(map(len, parts)))
        return AnchorLookup(ConcatenatedRows(parts), pool, self.cached_negatives, {NATIVE: pool})
