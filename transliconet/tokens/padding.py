"""Rows of token ids padded into a batch, and what a tokenizer says of its special tokens."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from transliconet.errors import CheckpointError


@dataclass(frozen=True)
class Vocabulary:
    """What collation needs to know of a tokenizer."""

    pad_id: int
    mask_id: int
    special_ids: Tensor
    ordinary_ids: Tensor

    @classmethod
    def from_tokenizer(cls, tokenizer: PreTrainedTokenizerBase) -> "Vocabulary":
        """Read a tokenizer.

        Raises:
            CheckpointError: it has no padding or no mask token.
        """
        if tokenizer.pad_token_id is None or tokenizer.mask_token_id is None:
            raise CheckpointError(
                tokenizer.name_or_path,
                "its tokenizer has no <pad> or no <mask>",
                "Use a masked-LM checkpoint",
                code="TLN-CKPT-300",
            )
        special = torch.tensor(sorted(set(tokenizer.all_special_ids)))
        everything = torch.arange(len(tokenizer))
        return cls(
            tokenizer.pad_token_id,
            tokenizer.mask_token_id,
            special,
            everything[~torch.isin(everything, special)],
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
