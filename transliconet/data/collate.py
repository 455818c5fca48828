"""Collating: the token ids of both views of some pairs become one padded batch, with every field
that the objectives read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from transliconet.batch import (
    ATTENTION_MASK,
    CONTENT_MASK,
    INPUT_IDS,
    LABELS,
    MASKED_IDS,
    PAIR_INDEX,
    SEED,
)
from transliconet.data.augment import Augmenter
from transliconet.data.masking import Masking, mask_tokens
from transliconet.data.masking_units import MakeUnits
from transliconet.data.sampler import BatchPlan
from transliconet.tokens.fields import BatchRows, MakeField, check_fields
from transliconet.tokens.padding import Vocabulary, content_mask, pad
from transliconet.tokens.tokenize import TokenizedPairs


@dataclass(frozen=True)
class Collator:
    """Makes the batch of a :class:`BatchPlan`.

    Args:
        pairs: token ids of all training pairs.
        vocabulary: pad, mask and special ids of the tokenizer.
        masking: how masked input and its labels are made; None makes neither.
        units: makes what is masked as a whole; None: single tokens are.
        augmenter: changes the romanized rows; None leaves them as they are.
        fields: functions that make further fields, those that objectives have asked for.
    """

    pairs: TokenizedPairs
    vocabulary: Vocabulary
    masking: Masking | None = None
    units: MakeUnits | None = None
    augmenter: Augmenter | None = None
    fields: Sequence[MakeField] = ()

    def __call__(self, plan: BatchPlan) -> dict[str, Tensor]:
        """Make one batch.

        Every random choice depends on ``plan.key`` alone. It does not matter which loader process
        makes the batch, or which batches that process made before.

        Returns:
            Field name → tensor, see :mod:`transliconet.batch`.
        """
        seeds = np.random.SeedSequence(plan.key)
        mask_seed, dropout_seed = _torch_seeds(seeds, 2)
        # augmentation and further fields draw from streams of their own
        rows = self._rows(plan, *seeds.spawn(2))
        batch = {
            PAIR_INDEX: torch.from_numpy(np.asarray(plan.indices, dtype=np.int64)),  # (B,)
            INPUT_IDS: rows.input_ids,  # (2B, L)
            ATTENTION_MASK: rows.attention_mask,  # (2B, L)
            CONTENT_MASK: rows.content_mask,  # (2B, L)
            SEED: torch.tensor(dropout_seed),  # ()
        }
        for make in self.fields:
            batch.update(check_fields(make(rows), rows))
        if self.masking is not None:
            generator = torch.Generator().manual_seed(mask_seed)
            batch[MASKED_IDS], batch[LABELS] = self._mask(
                generator,
                plan.progress,
                rows.input_ids,
                rows.content_mask,
                pairs=np.concatenate([plan.indices, plan.indices]),
            )
        return batch

    def _mask(
        self,
        generator: torch.Generator,
        progress: float,
        input_ids: Tensor,
        content: Tensor,
        *,
        pairs: np.ndarray | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Mask N rows.

        Args:
            generator: source of randomness.
            progress: how much of the run is done.
            input_ids: (N, L) int64.
            content: (N, L) bool.
            pairs: (N,) the pair whose text each row is; None: other text.
        """
        assert self.masking is not None
        return mask_tokens(
            input_ids,
            content,
            self.vocabulary,
            self.masking,
            generator=generator,
            units=None if self.units is None else self.units(input_ids.numpy(), pairs),
            progress=progress,
        )

    def _rows(
        self,
        plan: BatchPlan,
        choices: np.random.SeedSequence,
        masks: np.random.SeedSequence,
    ) -> BatchRows:
        """The token ids of both views, augmented and padded together.

        Args:
            plan: the pairs.
            choices: seed of augmentation and of further fields.
            masks: seed of the masks of further fields.
        """
        rng = np.random.default_rng(choices)
        (mask_seed,) = _torch_seeds(masks, 1)
        native = [self.pairs.native[i] for i in plan.indices]
        romanized = [self.pairs.romanized[i] for i in plan.indices]
        if self.augmenter is not None:
            for i, pair in enumerate(plan.indices.tolist()):
                language = self.pairs.tags[self.pairs.languages[pair]] if self.pairs.tags else ""
                romanized[i] = self.augmenter(
                    native[i], romanized[i], rng, language=language, pair=pair
                )
        input_ids, attention_mask = pad(native + romanized, self.vocabulary.pad_id)  # (2B, L)
        content = content_mask(input_ids, attention_mask, self.vocabulary.special_ids)
        return BatchRows(
            pairs=self.pairs,
            indices=plan.indices,
            native=native,
            romanized=romanized,
            input_ids=input_ids,
            attention_mask=attention_mask,
            content_mask=content,
            rng=rng,
            mask=partial(self._mask, torch.Generator().manual_seed(mask_seed), plan.progress),
        )


def _torch_seeds(seed: np.random.SeedSequence, number: int) -> list[int]:
    # shifted by one bit: torch takes signed 64-bit seeds
    return [int(word >> 1) for word in seed.generate_state(number, np.uint64)]
