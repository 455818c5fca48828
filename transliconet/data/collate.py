"""One batch: both views of each pair, padded together, with everything the objectives read."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from transliconet import keys
from transliconet.data.masking import Masking, mask_tokens
from transliconet.data.sampler import BatchPlan
from transliconet.data.tokenize import TokenizedPairs
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


def collate(
    pairs: TokenizedPairs,
    plan: BatchPlan,
    vocabulary: Vocabulary,
    masking: Masking | None,
    anchors: np.ndarray | None = None,
) -> dict[str, Tensor]:
    """The batch of ``plan``, with the keys of :mod:`transliconet.keys`.

    Masks depend on ``plan.key`` alone: not on the worker that makes the batch, nor on what was made before it.
    """
    rows = [pairs.native[i] for i in plan.indices] + [pairs.romanized[i] for i in plan.indices]
    ids, attention = pad(rows, vocabulary.pad_id)
    content = content_mask(ids, attention, vocabulary.special_ids)
    batch = {
        keys.PAIR_INDEX: torch.from_numpy(np.asarray(plan.indices, dtype=np.int64)),
        keys.INPUT_IDS: ids,
        keys.ATTENTION_MASK: attention,
        keys.CONTENT_MASK: content,
    }
    if anchors is not None:
        batch[keys.ANCHOR] = torch.from_numpy(np.asarray(anchors[plan.indices], dtype=np.float32))
    if masking is not None:
        seed = int(np.random.SeedSequence(plan.key).generate_state(1, np.uint64)[0] >> 1)
        generator = torch.Generator().manual_seed(seed)
        batch[keys.MASKED_IDS], batch[keys.LABELS] = mask_tokens(
            ids, content, vocabulary.ordinary_ids, vocabulary.mask_id, masking, generator
        )
    return batch
