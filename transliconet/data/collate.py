"""One batch: both views of each pair, padded together, with everything the objectives read."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from transliconet import keys
from transliconet.data.augment import Augmenter
from transliconet.data.masking import Masking, mask_tokens
from transliconet.data.sampler import BatchPlan
from transliconet.data.tokenize import Joined, TokenizedPairs
from transliconet.data.words import WordBounds, number_words
from transliconet.errors import CheckpointError


@dataclass(frozen=True)
class Vocabulary:
    """What collation needs to know of a tokenizer."""

    pad_id: int
    mask_id: int
    special_ids: Tensor
    ordinary_ids: Tensor

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase) -> "Vocabulary":
        """Read a tokenizer.

        Raises:
            CheckpointError: it has no padding or no mask token.
        """
        if tokenizer.pad_token_id is None or tokenizer.mask_token_id is None:
            raise CheckpointError(
                tokenizer.name_or_path, "its tokenizer has no <pad> or no <mask>", "Use a masked-LM checkpoint"
            )
        special = torch.tensor(sorted(set(tokenizer.all_special_ids)))
        everything = torch.arange(len(tokenizer))
        return cls(
            tokenizer.pad_token_id, tokenizer.mask_token_id, special, everything[~torch.isin(everything, special)]
        )


def pad(rows: list[np.ndarray], pad_id: int) -> tuple[Tensor, Tensor]:
    """Stack rows of ids: (N, L) int64 ids and (N, L) bool attention mask."""
    ids = np.full((len(rows), max(map(len, rows))), pad_id, dtype=np.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
    lengths = np.array([len(r) for r in rows])
    return torch.from_numpy(ids), torch.from_numpy(np.arange(ids.shape[1]) < lengths[:, None])


def content_mask(input_ids: Tensor, attention_mask: Tensor, special_ids: Tensor) -> Tensor:
    """(N, L) bool: tokens that are neither padding nor special."""
    return attention_mask & ~torch.isin(input_ids, special_ids)


@dataclass(frozen=True)
class Extras:
    """What a batch holds beside ids and masks, each None unless an objective or option asks for it.

    Args:
        masking: masked input and its labels.
        anchors: (N, H), the anchor of every pair.
        negatives: number of anchors of other pairs.
        words: numbers of words.
        augmenter: makes romanised rows anew.
    """

    masking: Masking | None = None
    anchors: np.ndarray | Joined | None = None
    negatives: int = 0
    words: WordBounds | None = None
    augmenter: Augmenter | None = None


def collate(pairs: TokenizedPairs, plan: BatchPlan, vocabulary: Vocabulary, extras: Extras) -> dict[str, Tensor]:
    """The batch of ``plan``, with the keys of :mod:`transliconet.keys`.

    What is random depends on ``plan.key`` alone: not on the worker that makes the batch, nor on what it made before.
    """
    seeds = np.random.SeedSequence(plan.key)
    native, romanized = ([rows[i] for i in plan.indices] for rows in (pairs.native, pairs.romanized))
    rng = np.random.default_rng(seeds.spawn(1)[0])
    if extras.augmenter:
        romanized = [extras.augmenter(n, r, rng) for n, r in zip(native, romanized, strict=True)]
    ids, attention = pad(native + romanized, vocabulary.pad_id)
    content = content_mask(ids, attention, vocabulary.special_ids)
    batch = {
        keys.PAIR_INDEX: torch.from_numpy(np.asarray(plan.indices, dtype=np.int64)),
        keys.INPUT_IDS: ids,
        keys.ATTENTION_MASK: attention,
        keys.CONTENT_MASK: content,
        keys.SEED: torch.tensor(int(seeds.generate_state(2, np.uint64)[1] >> 1)),
    }
    if extras.words:
        batch[keys.WORDS] = torch.from_numpy(number_words(extras.words, native, romanized, ids.shape[1]))
    if extras.anchors is not None:
        batch[keys.ANCHOR] = _vectors(extras.anchors, plan.indices)
        if extras.negatives:
            batch[keys.NEGATIVES] = _vectors(extras.anchors, rng.integers(len(pairs), size=extras.negatives))
    if extras.masking is not None:
        generator = torch.Generator().manual_seed(int(seeds.generate_state(1, np.uint64)[0] >> 1))
        batch[keys.MASKED_IDS], batch[keys.LABELS] = mask_tokens(
            ids, content, vocabulary.ordinary_ids, vocabulary.mask_id, extras.masking, generator
        )
    return batch


def _vectors(anchors: np.ndarray | Joined, indices: np.ndarray) -> Tensor:
    return torch.from_numpy(np.stack([anchors[int(i)] for i in indices]).astype(np.float32))
