"""One batch: both views of each pair, padded together, with everything the objectives read."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from transliconet.batch import (
    ANCHOR,
    ATTENTION_MASK,
    CONTENT_MASK,
    INPUT_IDS,
    LABELS,
    MASKED_IDS,
    NEGATIVES,
    PAIR_INDEX,
    SEED,
    WORDS,
)
from transliconet.data.augment import Augmenter
from transliconet.data.masking import Masking, mask_tokens
from transliconet.data.sampler import BatchPlan
from transliconet.tokens.padding import Vocabulary, content_mask, pad
from transliconet.tokens.tokenize import Joined, TokenizedPairs
from transliconet.tokens.words import WordBoundaries, number_words


@dataclass(frozen=True)
class Extras:
    """What a batch holds beside ids and masks, each None unless an objective or option asks for it.

    Args:
        masking: masked input and its labels.
        anchors: (N, H), the anchor of every pair.
        negatives: number of anchors of other pairs.
        words: numbers of words.
        augmenter: makes romanized rows anew.
    """

    masking: Masking | None = None
    anchors: np.ndarray | Joined | None = None
    negatives: int = 0
    words: WordBoundaries | None = None
    augmenter: Augmenter | None = None


def collate(
    pairs: TokenizedPairs, plan: BatchPlan, vocabulary: Vocabulary, extras: Extras
) -> dict[str, Tensor]:
    """The batch of ``plan``, with the keys of :mod:`transliconet.batch`.

    What is random depends on ``plan.key`` alone: not on the worker that makes the batch, nor on
    what it made before.
    """
    seeds = np.random.SeedSequence(plan.key)
    native, romanized = (
        [rows[i] for i in plan.indices] for rows in (pairs.native, pairs.romanized)
    )
    rng = np.random.default_rng(seeds.spawn(1)[0])
    if extras.augmenter:
        romanized = [extras.augmenter(n, r, rng) for n, r in zip(native, romanized, strict=True)]
    ids, attention = pad(native + romanized, vocabulary.pad_id)
    content = content_mask(ids, attention, vocabulary.special_ids)
    batch = {
        PAIR_INDEX: torch.from_numpy(np.asarray(plan.indices, dtype=np.int64)),
        INPUT_IDS: ids,
        ATTENTION_MASK: attention,
        CONTENT_MASK: content,
        SEED: torch.tensor(int(seeds.generate_state(2, np.uint64)[1] >> 1)),
    }
    if extras.words:
        batch[WORDS] = torch.from_numpy(number_words(extras.words, native, romanized, ids.shape[1]))
    if extras.anchors is not None:
        batch[ANCHOR] = _vectors(extras.anchors, plan.indices)
        if extras.negatives:
            batch[NEGATIVES] = _vectors(
                extras.anchors, rng.integers(len(pairs), size=extras.negatives)
            )
    if extras.masking is not None:
        generator = torch.Generator().manual_seed(int(seeds.generate_state(1, np.uint64)[0] >> 1))
        batch[MASKED_IDS], batch[LABELS] = mask_tokens(
            ids, content, vocabulary.ordinary_ids, vocabulary.mask_id, extras.masking, generator
        )
    return batch


def _vectors(anchors: np.ndarray | Joined, indices: np.ndarray) -> Tensor:
    return torch.from_numpy(np.stack([anchors[int(i)] for i in indices]).astype(np.float32))
